//! The twins are twins: what [`Template::new`](crate::template::Template::new) insists on, as a finding with its place.

use super::{Found, Place, Rule, Severity, Subject};
use crate::template::TemplateError;

pub(in crate::check) static RULE: Rule = Rule {
    id: "twins-differ",
    severity: Severity::Error,
    sentence: "The Spot and the On-Demand launch definition differ in more than the Spot price.",
    fix: "write both from one fragment, as `launch-template.yaml` does: what differs stands in `#% if market.spot`",
    why: "The fallback rests on it: a job must not care which market its worker was bought in. Two definitions that are kept equal \
          by hand drift apart, and then the On-Demand workers, which are rarely launched, fail on the one day they are needed. \
          This one cannot be silenced.",
    source: "https://docs.aws.amazon.com/autoscaling/ec2/userguide/launch-template-spot-instances.html",
    check,
};

fn check(subject: &Subject<'_>) -> Vec<Found> {
    let twins = subject.faults.iter().filter_map(|fault| {
        let TemplateError::Twins { spot, place, .. } = fault else { return None };
        let path = if place.starts_with("Properties") { place.split('.').map(str::to_owned).collect() } else { vec![] };
        Some(Found::new(fault.to_string()).within(Place { resource: spot.clone(), path }))
    });
    twins.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::testing::{CONFIGURATION, Edit::Template, table};

    #[test]
    fn twins_are_twins() {
        let spot_only =
            Template("        InstanceMarketOptions:", "        EbsOptimized: true\n        InstanceMarketOptions:");
        let configuration = Template("      SpotPrice: \"0.55\"", "      SpotPrice: \"0.55\"\n      KeyName: x");
        table(
            &RULE,
            &[
                (&[], &[]),
                (&[CONFIGURATION], &[]),
                (&[spot_only], &["Properties.LaunchTemplateData.EbsOptimized"]),
                (&[CONFIGURATION, configuration], &["Properties.KeyName"]),
                (&[CONFIGURATION, Template("      SpotPrice: \"0.55\"\n", "")], &["asks for Spot"]),
            ],
        );
    }
}
