//! What a worker is: the image, the instance type and the volumes fit each other, and AWS.

use std::collections::BTreeMap;

use serde_saphyr::Location;

use super::Findings;
use super::shape::{all, is_id, is_plain};
use crate::spec::arn::Arn;
use crate::spec::instance_type::{architecture, architecture_of_parameter, is_instance_type};
use crate::spec::problem::Problem;
use crate::spec::{Architecture, Launch, LaunchKind, Product, Spot, VolumeKind};

pub(super) fn check(launch: &Launch, spot: &Spot, found: &mut Findings) {
    let configuration = launch.kind.as_ref().filter(|kind| kind.value == LaunchKind::Configuration);
    if let (Some(kind), None) = (configuration, &spot.max_price) {
        found.push(
            Problem::at(
                kind.referenced,
                "needs `spot: max_price`",
                "a launch configuration asks for Spot by its max price, and there is none",
            )
            .help("set `spot: max_price`, or use `kind: template`, which caps at the On-Demand price by itself"),
        );
    }
    found.require(is_instance_type(&launch.instance_type.value), &launch.instance_type, "such as g5.2xlarge", |name| {
        format!("`{name}` is not an instance type")
    });
    let parameter = launch.image.value.strip_prefix("ssm:");
    found.require(
        parameter.map_or_else(
            || is_id(&launch.image.value, "ami-"),
            |name| !name.is_empty() && name.len() <= 2048 && all(name, "/._-"),
        ),
        &launch.image,
        "such as ami-0123456789abcdef0, or ssm:/aws/service/…",
        |image| format!("`{image}` is not an image"),
    );
    if let Some(name) = &launch.key_name {
        found.require(!name.value.is_empty() && is_plain(&name.value), name, "not a name", |_| {
            "`key_name` is the name of an EC2 key pair".to_owned()
        });
    }
    if let Some(profile) = &launch.instance_profile {
        let name = match Arn::parse(&profile.value) {
            Some(arn) if arn.service == "iam" && arn.region.is_empty() => {
                arn.resource.strip_prefix("instance-profile/")
            }
            Some(_) => None,
            None => Some(profile.value.as_str()).filter(|name| !name.contains('/')),
        };
        let holds = name.is_some_and(|name| {
            let last = name.rsplit('/').next().unwrap_or_default();
            (1..=128).contains(&last.len()) && name.len() <= 640 && all(name, "+=,.@-_/")
        });
        if !holds {
            let message = format!("`{}` is not an instance profile", profile.value);
            let problem = Problem::at(profile.referenced, "not a name or ARN of one", message);
            found.push(problem.help("a name, or such as arn:aws:iam::111122223333:instance-profile/worker"));
        }
    }
    processors(launch, found);
    if let (Some(script), Some(product)) =
        (&launch.user_data, launch.product.as_ref().filter(|product| product.value == Product::Windows))
    {
        found.push(
            Problem::at(script.referenced, "a script for Linux", "`user_data` is not available for Windows workers")
                .and(product.referenced, "Windows")
                .help("put the worker into the image"),
        );
    }
    volumes(launch, found);
}

/// The image and the instance have one processor, as far as their names tell.
fn processors(launch: &Launch, found: &mut Findings) {
    let Some(instance) = architecture(&launch.instance_type.value) else { return };
    let other = match instance {
        Architecture::Arm64 => "the letter `g` behind the generation is Graviton, which is arm64",
        Architecture::X86_64 => "a Graviton type has the letter `g` behind the generation, such as c7g.large",
    };
    let image = launch.image.value.strip_prefix("ssm:").and_then(architecture_of_parameter);
    if let Some(image) = image.filter(|image| *image != instance) {
        let message = format!("an image for {image} does not boot on `{}`", launch.instance_type.value);
        let problem = Problem::at(launch.image.referenced, format!("for {image}"), message);
        found.push(problem.and(launch.instance_type.referenced, format!("has {instance}")).help(other));
    }
    if let Some(product) = launch.product.as_ref().filter(|product| product.value == Product::Windows)
        && instance == Architecture::Arm64
    {
        let problem = Problem::at(product.referenced, "for x86_64", "EC2 has no Windows for Graviton");
        found.push(problem.and(launch.instance_type.referenced, "has arm64").help(other));
    }
}

/// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateVolume.html>
fn volumes(launch: &Launch, found: &mut Findings) {
    let configuration = launch.kind.as_ref().is_some_and(|kind| kind.value == LaunchKind::Configuration);
    let mut devices: BTreeMap<&str, Location> = BTreeMap::new();
    for volume in &launch.volumes {
        let (device, size) = (&volume.value.device, &volume.value.size);
        found.require(
            device
                .value
                .strip_prefix("/dev/")
                .is_some_and(|name| !name.is_empty() && name.len() <= 32 && all(name, "/")),
            device,
            "such as /dev/xvda",
            |name| format!("`{name}` is not a device"),
        );
        if let Some(first) = devices.insert(&device.value, device.referenced) {
            let problem =
                Problem::at(device.referenced, "again", format!("the device `{}` is there twice", device.value));
            found.push(problem.and(first, "first here"));
        }
        let kind = volume.value.kind.as_ref();
        let (low, high, name) = match kind.map_or(VolumeKind::default(), |kind| kind.value) {
            // Launch configurations know the sizes of the years before.
            VolumeKind::Gp3 => (1, if configuration { 16_384 } else { 65_536 }, "gp3"),
            VolumeKind::Gp2 => (1, 16_384, "gp2"),
            VolumeKind::St1 => (125, 16_384, "st1"),
            VolumeKind::Sc1 => (125, 16_384, "sc1"),
            VolumeKind::Standard => (1, 1_024, "standard"),
        };
        if !(low..=high).contains(&size.value) {
            let message = format!("a volume of the type {name} cannot have {} GiB", size.value);
            let problem = Problem::at(size.referenced, format!("from {low} to {high}"), message);
            found.push(match kind {
                Some(kind) => problem.and(kind.referenced, "of this type"),
                None => problem,
            });
        }
    }
}
