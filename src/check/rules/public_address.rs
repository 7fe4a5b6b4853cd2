//! A worker with a public address is told about.

use super::{Found, Rule, Severity, Subject};

pub(in crate::check) static RULE: Rule = Rule {
    id: "public-address",
    severity: Severity::Note,
    sentence: "Workers get public addresses.",
    fix: "leave `AssociatePublicIpAddress` out, if the subnets reach AWS by a NAT gateway or by endpoints",
    why: "A worker takes its jobs itself and needs nobody to reach it. A public IPv4 address costs 0.005 USD an hour, and makes \
          the security group the only thing between the worker and the internet. Without a NAT gateway or endpoints it is, \
          however, how a worker reaches SQS at all.",
    source: "https://docs.aws.amazon.com/vpc/latest/userguide/vpc-ip-addressing.html",
    check,
};

fn check(subject: &Subject<'_>) -> Vec<Found> {
    let own = subject.launches().filter_map(|launch| launch.get("AssociatePublicIpAddress"));
    let interfaces = subject.launches().filter_map(|launch| Some(launch.get("NetworkInterfaces")?.items())).flatten();
    let theirs = interfaces.filter_map(|interface| interface.get("AssociatePublicIpAddress"));
    own.chain(theirs)
        .filter(|address| address.is_true())
        .map(|address| Found::new("these workers get public addresses").within(&address))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::testing::{CONFIGURATION, Edit::Template, table};

    #[test]
    fn public_addresses_are_told() {
        let configuration = |text: &'static str| Template("      InstanceMonitoring: false", text);
        table(
            &RULE,
            &[
                (&[], &[]),
                (
                    &[
                        CONFIGURATION,
                        configuration("      InstanceMonitoring: false\n      AssociatePublicIpAddress: true"),
                    ],
                    &["public addresses", "public addresses"],
                ),
                (&[CONFIGURATION, configuration("      AssociatePublicIpAddress: false")], &[]),
                (
                    &[Template(
                        "        Monitoring:",
                        "        NetworkInterfaces: [{AssociatePublicIpAddress: true}]\n        Monitoring:",
                    )],
                    &["public addresses", "public addresses"],
                ),
            ],
        );
    }
}
