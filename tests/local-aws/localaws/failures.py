"""Why AWS does not launch an instance, in AWS's words, by the kind a test asks for."""

from __future__ import annotations

from dataclasses import dataclass

SPOT, ON_DEMAND = "spot", "on-demand"
MARKETS = (SPOT, ON_DEMAND)

#: A kind without a failed activity: the request stays open, as Spot requests of launch configurations can.
WAITING = "waiting"

END = " Launching EC2 instance failed."

_IN_A_MARKET = {
    SPOT: {
        "insufficient": "Could not launch Spot Instances. InsufficientInstanceCapacity - There is no Spot capacity "
        "available that matches your request.",
        "unfulfillable": "Could not launch Spot Instances. UnfulfillableCapacity - Unable to fulfill capacity due to "
        "your request configuration. Please adjust your request and try again.",
        "quota": "Could not launch Spot Instances. MaxSpotInstanceCountExceeded - Max spot instance count exceeded.",
        "zone": "Could not launch Spot Instances. InvalidFleetConfiguration - Your requested instance type ({type}) "
        "is not supported in your requested Availability Zone ({zone}).",
    },
    ON_DEMAND: {
        "insufficient": "We currently do not have sufficient {type} capacity in the Availability Zone you requested "
        "({zone}). Our system will be working on provisioning additional capacity.",
        "unfulfillable": "Could not launch On-Demand Instances. UnfulfillableCapacity - Unable to fulfill capacity "
        "due to your request configuration. Please adjust your request and try again.",
        "quota": "Could not launch On-Demand Instances. VcpuLimitExceeded - You have requested more vCPU capacity "
        "than your current vCPU limit of 0 allows for the instance bucket that the specified instance type belongs to.",
        "zone": "Your requested instance type ({type}) is not supported in your requested Availability Zone ({zone}).",
    },
}

_IN_EITHER_MARKET = {
    "configuration": "The requested configuration is currently not supported. Please check the documentation for "
    "supported configurations.",
    "free-tier": "InvalidParameterCombination - The specified instance type is not eligible for Free Tier.",
    "kms": "Client.InternalError: Client error on launch.",
}

KINDS = (*_IN_A_MARKET[SPOT], *_IN_EITHER_MARKET, WAITING)


@dataclass(frozen=True)
class Failure:
    kind: str
    text: str


def failure(kind: str, market: str, instance_type: str, zone: str) -> Failure:
    if kind == WAITING:
        return Failure(kind, "")
    template = (_IN_EITHER_MARKET | _IN_A_MARKET[market])[kind]
    end = "" if kind == "kms" else END
    return Failure(kind, template.format(type=instance_type, zone=zone) + end)


def price_too_low(bid: str, price: str) -> Failure:
    lowest = f"the minimum required Spot request fulfillment price of {price}."
    return Failure("price", f"Your Spot request price of {bid} is lower than {lowest}{END}")
