"""Waits until both groups ask for and have so many instances, and shows them and what the SpotManager said.

    groups.py STACK SPOT ON_DEMAND

Ends with 1 if they do not get there. Each decision is shown once: how far we read is kept in the file `decisions-read`.
"""

from __future__ import annotations

import json
import os
import sys
import textwrap
import time
from collections import Counter
from pathlib import Path

from world import World, table

READ = Path("decisions-read")
SECONDS = 20


def main() -> int:
    stack, wanted = sys.argv[1], [int(number) for number in sys.argv[2:4]]
    world = World(os.environ["AWS_ENDPOINT_URL"])
    resources = world.client("cloudformation").describe_stack_resources(StackName=stack)["StackResources"]
    ids = {each["ResourceType"] + each["LogicalResourceId"]: each["PhysicalResourceId"] for each in resources}

    def the(kind: str, end: str) -> str:
        return next(ids[name] for name in ids if name.startswith(kind) and name.endswith(end))

    names = [the("AWS::AutoScaling::AutoScalingGroup", f"{market}Group") for market in ("Spot", "OnDemand")]
    manager = the("AWS::Lambda::Function", "SpotManager")

    deadline = time.monotonic() + SECONDS
    while True:
        groups = [world.group(name) for name in names]
        found = [[group["DesiredCapacity"], len(group["Instances"])] for group in groups]
        lines = world.invocations(manager)[1]
        at_work = sum(line.startswith("START ") for line in lines) - sum(line.startswith("END ") for line in lines)
        arrived = found == [[number, number] for number in wanted] and not at_work
        if arrived or time.monotonic() > deadline:
            break
        time.sleep(0.1)

    show_decisions(lines)
    show(groups)
    if not arrived:
        print(
            f"expected Spot {wanted[0]} and On-Demand {wanted[1]}: this is not what should have happened",
            file=sys.stderr,
        )
    return 0 if arrived else 1


def show_decisions(lines: list[str]) -> None:
    """What the SpotManager did since the last time, and why."""
    records = [json.loads(line) for line in lines if line.startswith('{"record"')]
    read = int(READ.read_text()) if READ.exists() else 0
    READ.write_text(str(len(records)))
    shown = ""
    for record in records[read:]:
        if not record["deeds"]:
            continue
        deeds = ", ".join(words(deed["action"]) for deed in record["deeds"])
        lines = [textwrap.fill(f"SpotManager: {deeds}", 80, subsequent_indent="  ")]
        for reason in record["because"]:
            lines.append(textwrap.fill(reason, 80, initial_indent="  - ", subsequent_indent="    "))
        # Each zone's refusal is an event of its own, and two at once are answered alike.
        if (text := "\n".join(lines)) != shown:
            print(text)
        shown = text


def words(action: dict) -> str:
    ((verb, details),) = action.items()
    market = {"spot": "Spot", "on_demand": "On-Demand"}[details["market"]]
    return f"{verb.replace('_', ' ')} {market} to {details['to']}"


def show(groups: list[dict]) -> None:
    rows: list[tuple] = [("group", "asks for", "has")]
    for name, group in zip(("Spot", "On-Demand"), groups, strict=True):
        zones = Counter(each["AvailabilityZone"] for each in group["Instances"])
        where = "".join(f" in {zone}" for zone in sorted(zones))
        rows.append((name, group["DesiredCapacity"], f"{len(group['Instances'])}{where}"))
    print(table(rows))


if __name__ == "__main__":
    sys.exit(main())
