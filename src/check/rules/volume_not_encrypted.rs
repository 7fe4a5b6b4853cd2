//! A worker's disk is encrypted.

use super::{Found, Rule, Severity, Subject};

pub(in crate::check) static RULE: Rule = Rule {
    id: "volume-not-encrypted",
    severity: Severity::Warning,
    sentence: "A worker's volume is not encrypted.",
    fix: "set `Encrypted: true` beside its size",
    why: "Encryption with the account's own EBS key costs neither money nor speed, and is what auditors ask for first. A volume \
          that the image brings and the definition does not mention is as the image and the account's default say.",
    source: "https://docs.aws.amazon.com/ebs/latest/userguide/ebs-encryption.html",
    check,
};

fn check(subject: &Subject<'_>) -> Vec<Found> {
    let devices = subject.launches().filter_map(|launch| Some(launch.get("BlockDeviceMappings")?.items())).flatten();
    let volumes = devices.filter_map(|device| device.get("Ebs"));
    volumes
        .filter(|volume| !volume.get("Encrypted").is_some_and(|encrypted| encrypted.is_true()))
        .map(|volume| Found::new("this volume is not encrypted").within(&volume.get("Encrypted").unwrap_or(volume)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::testing::{Edit::Template, table};

    #[test]
    fn volumes_are_encrypted() {
        table(
            &RULE,
            &[
                (&[], &[]),
                (&[Template("Encrypted: true", "Encrypted: false")], &["not encrypted", "not encrypted"]),
                (&[Template("              Encrypted: true\n", "")], &["not encrypted", "not encrypted"]),
                (&[Template("Encrypted: true", "Encrypted: \"true\"")], &[]),
            ],
        );
    }
}
