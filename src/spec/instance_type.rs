//! What the name of an EC2 instance type tells.

use super::Architecture;

/// The processor of an instance type, by AWS's naming: the letter `g` behind the generation is Graviton, so is the family `a1`;
/// other letters are Intel, AMD or a capability. Nothing for names that follow other rules (`u-6tb1`, `mac2`).
/// <https://docs.aws.amazon.com/ec2/latest/instancetypes/instance-type-names.html>
pub(crate) fn architecture(instance_type: &str) -> Option<Architecture> {
    let (name, _) = instance_type.split_once('.')?;
    let family = name.trim_start_matches(|char: char| char.is_ascii_lowercase());
    let series = &name[..name.len() - family.len()];
    let options = family.trim_start_matches(|char: char| char.is_ascii_digit());
    if series.is_empty() || options.len() == family.len() || series == "mac" {
        return None;
    }
    let (options, accelerator) = options.split_once('-').unwrap_or((options, ""));
    // `p6e-gb200`: NVIDIA's Grace beside its Blackwell.
    let arm = options.contains('g') || name.starts_with("a1") || accelerator.starts_with("gb");
    Some(if arm { Architecture::Arm64 } else { Architecture::X86_64 })
}

/// The processor that the name of a public image parameter is about, where it says so.
pub(super) fn architecture_of_parameter(name: &str) -> Option<Architecture> {
    let mut words = name.split(|char: char| !(char.is_ascii_alphanumeric() || char == '_'));
    words.find_map(|word| match word {
        "arm64" | "aarch64" => Some(Architecture::Arm64),
        "x86_64" | "amd64" => Some(Architecture::X86_64),
        _ => None,
    })
}

/// Whether this has the shape of an instance type's name: `g5.2xlarge`, `u-6tb1.112xlarge`.
pub(super) fn is_instance_type(text: &str) -> bool {
    let Some((family, size)) = text.split_once('.') else { return false };
    let plain = |text: &str| {
        (1..=24).contains(&text.len())
            && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
    };
    plain(family)
        && plain(size)
        && family.starts_with(|first: char| first.is_ascii_lowercase())
        && family.contains(|char: char| char.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_tells_the_processor() {
        use Architecture::{Arm64, X86_64};
        for (name, expected) in [
            ("g5.2xlarge", Some(X86_64)),
            ("g5g.xlarge", Some(Arm64)),
            ("g4dn.xlarge", Some(X86_64)),
            ("g4ad.xlarge", Some(X86_64)),
            ("gr6.4xlarge", Some(X86_64)),
            ("c7gn.large", Some(Arm64)),
            ("c6i.large", Some(X86_64)),
            ("t3a.micro", Some(X86_64)),
            ("t4g.micro", Some(Arm64)),
            ("im4gn.large", Some(Arm64)),
            ("is4gen.large", Some(Arm64)),
            ("x2gd.large", Some(Arm64)),
            ("hpc7g.4xlarge", Some(Arm64)),
            ("a1.large", Some(Arm64)),
            ("p4de.24xlarge", Some(X86_64)),
            ("p6-b200.48xlarge", Some(X86_64)),
            ("p6e-gb200.36xlarge", Some(Arm64)),
            ("trn1.2xlarge", Some(X86_64)),
            ("u7i-12tb.224xlarge", Some(X86_64)),
            ("u-6tb1.112xlarge", None),
            ("mac2.metal", None),
            ("big", None),
            ("é5.large", None),
        ] {
            assert_eq!(architecture(name), expected, "{name}");
        }
    }

    #[test]
    fn a_parameter_may_tell_the_processor() {
        use Architecture::{Arm64, X86_64};
        for (name, expected) in [
            ("/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-arm64", Some(Arm64)),
            ("/aws/service/canonical/ubuntu/server/24.04/stable/current/amd64/hvm/ebs-gp3/ami-id", Some(X86_64)),
            ("/aws/service/deeplearning/ami/x86_64/base-oss-nvidia-driver-gpu/latest/ami-id", Some(X86_64)),
            ("/mine/worker/image", None),
            ("/mine/charm64/image", None),
        ] {
            assert_eq!(architecture_of_parameter(name), expected, "{name}");
        }
    }

    #[test]
    fn instance_types_have_a_shape() {
        for name in ["g5.2xlarge", "u-6tb1.112xlarge", "p6-b200.48xlarge", "c7g.metal", "u7in-16tb.224xlarge"] {
            assert!(is_instance_type(name), "{name}");
        }
        for text in
            ["", ".", "big", "g5.", ".large", "g5 .large", "G5.2XLARGE", "5g.large", "gpu.large", "g5.2xlarge\n"]
        {
            assert!(!is_instance_type(text), "{text}");
        }
    }
}
