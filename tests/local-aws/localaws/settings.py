"""What one server was started with."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass
class Settings:
    socket_fd: int = -1
    state_folder: str = ""
    ticks: bool = True
    launch_events: bool = True
    launch_configurations: bool = True
    retry_seconds: float = 0
    resource_seconds: float = 0


#: The settings of this process; the control plane may change `launch_events`.
current = Settings()
