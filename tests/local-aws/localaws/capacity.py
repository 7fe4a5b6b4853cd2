"""How many instances each market gives in each zone, and what it says when it gives no more."""

from __future__ import annotations

from dataclasses import dataclass

from localaws.failures import Failure, failure

EVERYWHERE = "*"


@dataclass(frozen=True)
class Supply:
    """`limit` None is unlimited; `because` is a kind of `failures`."""

    limit: int | None = None
    because: str = "insufficient"


_supplies: dict[tuple[str, str], Supply] = {}


def set_supply(market: str, zone: str, supply: Supply) -> None:
    """For one zone, or everywhere, which forgets what was said of single zones."""
    if zone == EVERYWHERE:
        for key in [key for key in _supplies if key[0] == market]:
            del _supplies[key]
    _supplies[market, zone] = supply


def refusal(market: str, zone: str, running: int, instance_type: str) -> Failure | None:
    """Why this zone launches no further instance beside those that run there; None when it does."""
    supply = _supplies.get((market, zone)) or _supplies.get((market, EVERYWHERE)) or Supply()
    if supply.limit is None or running < supply.limit:
        return None
    return failure(supply.because, market, instance_type, zone)
