"""Spot prices: seeded by tests, read through DescribeSpotPriceHistory, which ministack does not have."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from xml.sax.saxutils import escape

from ministack.services import ec2

from localaws import moment

LINUX = "Linux/UNIX"
PAGE = 1000


@dataclass(frozen=True)
class Price:
    """From `at` on, until the next one of the same pool."""

    instance_type: str
    zone: str
    product: str
    usd: str
    at: datetime

    @property
    def pool(self) -> tuple[str, str, str]:
        return self.instance_type, self.zone, self.product


_history: list[Price] = []


def seed(price: Price) -> None:
    _history.append(price)


def forget() -> None:
    _history.clear()


def in_force(instance_type: str, zone: str) -> Price | None:
    """What Spot costs now. A group names no product: Linux counts, or what there is."""
    now = moment.now()
    known = [p for p in _history if (p.instance_type, p.zone) == (instance_type, zone) and p.at <= now]
    return max(known, key=lambda price: (price.product == LINUX, price.at), default=None)


def _between(rows: list[Price], start: datetime | None, end: datetime | None) -> list[Price]:
    """A start also returns each pool's last change before it: the price in force at the start."""
    rows = [row for row in rows if end is None or row.at <= end]
    if start is None:
        return rows
    carried: dict[tuple, Price] = {}
    for row in rows:
        if row.at < start and (row.pool not in carried or carried[row.pool].at < row.at):
            carried[row.pool] = row
    return [row for row in rows if row.at >= start] + list(carried.values())


def _one(params: dict, name: str) -> str:
    return ec2._p(params, name)


def _many(params: dict, name: str) -> set[str]:
    """`InstanceType.1`, `InstanceType.2`, … as SDKs number them."""
    found, number = set(), 1
    while value := _one(params, f"{name}.{number}"):
        found.add(value)
        number += 1
    return found


def _filters(params: dict) -> dict[str, set[str]]:
    filters, number = {}, 1
    while name := _one(params, f"Filter.{number}.Name"):
        filters.setdefault(name, set()).update(_many(params, f"Filter.{number}.Value"))
        number += 1
    return filters


_FIELDS = {
    "instance-type": lambda price: price.instance_type,
    "availability-zone": lambda price: price.zone,
    "product-description": lambda price: price.product,
    "spot-price": lambda price: price.usd,
}


def _describe(params: dict) -> tuple:
    asked = _filters(params)
    for name, parameter in (("instance-type", "InstanceType"), ("product-description", "ProductDescription")):
        if values := _many(params, parameter):
            asked[name] = asked.get(name, values) & values
    if zone := _one(params, "AvailabilityZone"):
        asked["availability-zone"] = asked.get("availability-zone", {zone}) & {zone}
    for name in asked:
        if name not in _FIELDS:
            return ec2._error("InvalidParameterValue", f"The filter '{escape(name)}' is invalid", 400)
    region = ec2.get_region()
    rows = [
        row for row in _history if row.zone.startswith(region) and all(_FIELDS[n](row) in v for n, v in asked.items())
    ]
    bounds = [moment.parse(text) if text else None for text in (_one(params, "StartTime"), _one(params, "EndTime"))]
    rows = sorted(_between(rows, *bounds), key=lambda row: (row.at, row.pool), reverse=True)
    start = int(_one(params, "NextToken") or 0)
    following = start + min(int(_one(params, "MaxResults") or PAGE), PAGE)
    token = str(following) if following < len(rows) else ""  # EC2's last page has an empty token, not none
    items = "".join(
        f"<item><instanceType>{escape(row.instance_type)}</instanceType>"
        f"<productDescription>{escape(row.product)}</productDescription>"
        f"<spotPrice>{escape(row.usd)}</spotPrice><timestamp>{moment.to_milliseconds(row.at)}</timestamp>"
        f"<availabilityZone>{escape(row.zone)}</availabilityZone>"
        f"<availabilityZoneId>{ec2._az_id_for_zone_name(row.zone)}</availabilityZoneId></item>"
        for row in rows[start:following]
    )
    return ec2._xml(
        200,
        "DescribeSpotPriceHistoryResponse",
        f"<spotPriceHistorySet>{items}</spotPriceHistorySet><nextToken>{token}</nextToken>",
    )


def install() -> None:
    ec2._ACTION_MAP["DescribeSpotPriceHistory"] = _describe
