"""Three subnets in three zones and a security group with ids to know by heart, in every Region; public AMI names."""

from __future__ import annotations

from ministack.services import ec2, ssm

SUBNETS = {zone: f"subnet-0a1b2c3d4e5f6000{number}" for number, zone in enumerate("abc", start=1)}
SECURITY_GROUP = "sg-0a1b2c3d4e5f60001"

_AL2023 = "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default"
_GPU = "/aws/service/deeplearning/ami/x86_64/base-oss-nvidia-driver-gpu-amazon-linux-2023"

AMIS = {
    f"{_AL2023}-x86_64": "ami-0c2023a1b2c3d4e5f",
    f"{_AL2023}-arm64": "ami-0c2023a1b2c3d4e60",
    f"{_GPU}/latest/ami-id": "ami-0c2023a1b2c3d4e61",
}

_defaults = ec2._init_defaults


def _seed() -> None:
    _defaults()
    for number, (zone, subnet) in enumerate(SUBNETS.items()):
        like = next(s for s in ec2._subnets.values() if s["AvailabilityZone"] == ec2.get_region() + zone)
        ec2._subnets[subnet] = like | {
            "SubnetId": subnet,
            "CidrBlock": f"172.31.{64 + 16 * number}.0/20",
            "DefaultForAz": False,
        }
    default = ec2._security_groups[ec2._DEFAULT_SG_ID]
    ec2._security_groups[SECURITY_GROUP] = default | {
        "GroupId": SECURITY_GROUP,
        "GroupName": "workers",
        "Description": "Workers of the local AWS",
    }


def install() -> None:
    ec2._init_defaults = _seed
    ec2._default_initialized_scopes.clear()  # ministack seeded its own at import
    ssm._PUBLIC_AMI_PARAMETERS.update(AMIS)
