//! What a pair launches.

use serde::Serialize;

use super::{or, value};
use crate::spec::{self, LaunchKind, VolumeKind};

/// The line that ends a worker's script inside its user data.
pub(crate) const END_OF_SCRIPT: &str = "END_OF_WORKER_SCRIPT";

/// The twin launch definitions, but for their price.
#[derive(Debug, Clone, Serialize)]
pub struct Launch {
    /// Which resource type the twins are.
    pub kind: LaunchKind,
    /// The EC2 instance type.
    pub instance_type: String,
    /// The AMI, as a launch template takes it: an id, or `resolve:ssm:` and a parameter.
    pub image: String,
    /// The parameter that holds the AMI's id, where the spec names one.
    pub image_parameter: Option<String>,
    /// An EC2 key pair.
    pub key_name: Option<String>,
    /// The name of an existing instance profile; `None`: the stack makes one.
    pub profile_name: Option<String>,
    /// The ARN of an existing instance profile.
    pub profile_arn: Option<String>,
    /// The block devices.
    pub volumes: Vec<Volume>,
    /// The worker's script.
    pub script: Option<String>,
    /// Whether an instance is told where its queue is: a shell script does that, which Windows has none to run.
    pub user_data: bool,
}

/// A block device of a worker.
#[derive(Debug, Clone, Serialize)]
pub struct Volume {
    /// `/dev/xvda`, for one.
    pub device: String,
    /// GiB.
    pub size: u32,
    /// The EBS volume type.
    #[serde(rename = "type")]
    pub kind: VolumeKind,
}

impl Launch {
    pub(super) fn new(launch: &spec::Launch) -> Self {
        let kind = or(&launch.kind, LaunchKind::Template);
        let parameter = launch.image.value.strip_prefix("ssm:").map(str::to_owned);
        let profile = value(&launch.instance_profile);
        let product = or(&launch.product, spec::Product::Linux);
        let is_arn = profile.as_deref().is_some_and(|profile| profile.starts_with("arn:"));
        Self {
            kind,
            instance_type: launch.instance_type.value.clone(),
            image: parameter.as_ref().map_or_else(|| launch.image.value.clone(), |name| format!("resolve:ssm:{name}")),
            image_parameter: parameter,
            key_name: value(&launch.key_name),
            profile_name: profile.clone().filter(|_| !is_arn),
            profile_arn: profile.filter(|_| is_arn),
            volumes: launch.volumes.iter().map(|volume| Volume::new(&volume.value)).collect(),
            script: launch.script.clone().map(|script| if script.ends_with('\n') { script } else { script + "\n" }),
            user_data: product != spec::Product::Windows,
        }
    }
}

impl Volume {
    fn new(volume: &spec::Volume) -> Self {
        Self {
            device: volume.device.value.clone(),
            size: volume.size.value,
            kind: or(&volume.kind, VolumeKind::default()),
        }
    }
}
