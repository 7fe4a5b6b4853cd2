"""Launch definitions: what a group asks the market for, and the launch-configuration calls.

ministack drops most properties of a launch configuration and does not show a launch template's market
options; the twins differ in exactly those.
"""

from __future__ import annotations

from dataclasses import dataclass

from ministack.services import autoscaling, ec2

from localaws import moment, query, settings
from localaws.failures import ON_DEMAND, SPOT
from localaws.query import Refused, Request, invalid

NOT_IN_YOUR_ACCOUNT = (
    "The Launch Configuration creation operation is not available in your account. "
    "Use launch templates to create configuration templates for your Auto Scaling groups."
)
ONLY_ONE_TIME = (
    "Incompatible launch template: Auto Scaling only supports the 'one-time' Spot instance type with no duration."
)


@dataclass(frozen=True)
class Definition:
    market: str
    max_price: str | None
    instance_type: str


def of(group: dict) -> Definition:
    """What an instance of this group is asked for as."""
    if name := group.get("LaunchConfigurationName"):
        configuration = autoscaling._launch_configs.get(name) or {}
        bid = configuration.get("SpotPrice")
        return Definition(SPOT if bid else ON_DEMAND, bid, configuration.get("InstanceType", ""))
    data = template_data(group.get("LaunchTemplate") or {})
    options = data.get("InstanceMarketOptions") or {}
    market = SPOT if options.get("MarketType") == "spot" else ON_DEMAND
    bid = (options.get("SpotOptions") or {}).get("MaxPrice")
    return Definition(market, str(bid) if bid else None, data.get("InstanceType", ""))


def find_template(specification: dict) -> dict | None:
    for template in ec2._launch_templates.values():
        if specification.get("LaunchTemplateId") in (template["LaunchTemplateId"], template["LaunchTemplateName"]):
            return template
    return None


def template_data(specification: dict) -> dict:
    """The launch-template data of the version that a group names; {} when there is no such version."""
    template = find_template(specification)
    if template is None:
        return {}
    wanted = str(specification.get("Version") or "$Default")
    numbers = {"$Latest": template["LatestVersionNumber"], "$Default": template["DefaultVersionNumber"]}
    number = str(numbers.get(wanted, wanted))
    return next((v["LaunchTemplateData"] for v in template["Versions"] if str(v["VersionNumber"]) == number), {})


def check(group: dict) -> None:
    """What AWS refuses when a group is made or changed."""
    if name := group.get("LaunchConfigurationName"):
        if name not in autoscaling._launch_configs:
            raise invalid(f"Launch configuration name not found - Launch configuration {name} not found")
        return
    specification = group.get("LaunchTemplate")
    if not specification:
        raise invalid(
            "Valid requests must contain either LaunchTemplate, LaunchConfigurationName, InstanceId or "
            "MixedInstancesPolicy parameter."
        )
    template = find_template(specification)
    if template is None:
        raise invalid(
            "You must use a valid fully-formed launch template. The specified launch template does not exist."
        )
    specification.update({key: template[key] for key in ("LaunchTemplateId", "LaunchTemplateName")})
    options = template_data(specification).get("InstanceMarketOptions") or {}
    if (options.get("SpotOptions") or {}).get("SpotInstanceType", "one-time") != "one-time":
        raise Refused("InvalidQueryParameter", ONLY_ONE_TIME)


# Launch configurations

_PLAIN = """
    ImageId InstanceType KeyName UserData SpotPrice IamInstanceProfile KernelId RamdiskId PlacementTenancy EbsOptimized
    AssociatePublicIpAddress
""".split()
_NESTED = ["BlockDeviceMappings", "MetadataOptions", "InstanceMonitoring"]


def keep_configuration(name: str, properties: dict) -> None:
    """Stores a launch configuration with all that it was given; detailed monitoring is AWS's default."""
    region, account = autoscaling.get_region(), autoscaling.get_account_id()
    record = {
        "LaunchConfigurationName": name,
        "LaunchConfigurationARN": f"arn:aws:autoscaling:{region}:{account}:launchConfiguration:"
        f"{autoscaling.new_uuid()}:launchConfigurationName/{name}",
        "CreatedTime": moment.to_milliseconds(moment.now()),
        "SecurityGroups": properties.get("SecurityGroups") or [],
        "InstanceMonitoring": {"Enabled": True},
    }
    record.update(
        {key: properties[key] for key in (*_PLAIN, *_NESTED) if properties.get(key) not in (None, "", [], {})}
    )
    autoscaling._launch_configs[name] = record


def refuse_if_not_available() -> None:
    if not settings.current.launch_configurations:
        raise Refused("UnsupportedOperation", NOT_IN_YOUR_ACCOUNT)


def _create(request: Request) -> None:
    refuse_if_not_available()
    name = request.required("LaunchConfigurationName")
    if name in autoscaling._launch_configs:
        raise Refused(
            "AlreadyExists",
            "Launch Configuration by this name already exists - A launch configuration already exists with the name "
            + name,
        )
    properties = {key: request.text(key) for key in _PLAIN} | {key: request.tree(key) for key in _NESTED}
    keep_configuration(name, properties | {"SecurityGroups": request.list("SecurityGroups")})


def _describe(request: Request) -> dict:
    names = request.list("LaunchConfigurationNames")
    rows = [row for name, row in autoscaling._launch_configs.items() if not names or name in names]
    shown, token = query.page(rows, request, default=50, most=100)
    return {"LaunchConfigurations": shown, "NextToken": token}


def _delete(request: Request) -> None:
    name = request.required("LaunchConfigurationName")
    if name not in autoscaling._launch_configs:
        raise invalid(f"Launch configuration name not found - Launch configuration {name} not found")
    refuse_deleting_used(name)
    autoscaling._launch_configs.pop(name)


def refuse_deleting_used(name: str) -> None:
    for group in autoscaling._asgs.values():
        if group.get("LaunchConfigurationName") == name:
            raise Refused(
                "ResourceInUse",
                f"Cannot delete launch configuration {name} because it is attached to AutoScalingGroup "
                f"{group['AutoScalingGroupName']}",
            )


# Launch templates

_template_xml = ec2._lt_data_xml


def _market_options_xml(data: dict) -> str:
    options = data.get("InstanceMarketOptions")
    if not options:
        return ""
    spot = "".join(
        f"<{key[0].lower()}{key[1:]}>{ec2._esc(str(value))}</{key[0].lower()}{key[1:]}>"
        for key, value in (options.get("SpotOptions") or {}).items()
    )
    market = ec2._esc(options.get("MarketType", ""))
    inner = f"<marketType>{market}</marketType><spotOptions>{spot}</spotOptions>"
    return f"<instanceMarketOptions>{inner}</instanceMarketOptions>"


_parse_template = ec2._parse_lt_data


def _parse_with_market(params: dict, *rest) -> dict:
    """CreateLaunchTemplate and CreateLaunchTemplateVersion lose the market options as well."""
    data = _parse_template(params, *rest)
    prefix = "LaunchTemplateData.InstanceMarketOptions"
    if market := ec2._p(params, f"{prefix}.MarketType"):
        keys = ("MaxPrice", "SpotInstanceType", "InstanceInterruptionBehavior", "ValidUntil", "BlockDurationMinutes")
        spot = {key: value for key in keys if (value := ec2._p(params, f"{prefix}.SpotOptions.{key}"))}
        data["InstanceMarketOptions"] = {"MarketType": market, "SpotOptions": spot}
    return data


def install() -> None:
    query.answer_with(
        {
            "CreateLaunchConfiguration": _create,
            "DescribeLaunchConfigurations": _describe,
            "DeleteLaunchConfiguration": _delete,
        }
    )
    ec2._lt_data_xml = lambda data: _template_xml(data) + _market_options_xml(data)
    ec2._parse_lt_data = _parse_with_market
