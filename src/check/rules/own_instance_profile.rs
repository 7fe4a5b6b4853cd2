//! What the role of an instance profile that exists has to allow.

use super::{Found, Rule, Severity, Subject};

pub(in crate::check) static RULE: Rule = Rule {
    id: "own-instance-profile",
    severity: Severity::Note,
    sentence: "The workers' role is somebody else's, and has to allow what workers do.",
    fix: "see that it allows the calls named, or leave `instance_profile` out: a role is then made",
    why: "A worker needs sqs:ReceiveMessage, sqs:DeleteMessage, sqs:ChangeMessageVisibility and sqs:GetQueueAttributes on its queue; \
          with `protect: true` also autoscaling:SetInstanceProtection on both groups and autoscaling:DescribeAutoScalingInstances. \
          Without them workers run, fail to take a job, and are paid for.",
    source: "https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/iam-roles-for-amazon-ec2.html",
    check,
};

fn check(subject: &Subject<'_>) -> Vec<Found> {
    subject
        .pairs()
        .filter_map(|(pair, plan)| {
            let profile = pair.value.launch.as_ref()?.value.instance_profile.as_ref()?;
            let protection = if plan.protect { " and drop their own protection" } else { "" };
            let message = format!("the role of this profile has to let workers take jobs{protection}");
            Some(Found::new(message).at(profile.referenced, "exists already"))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::testing::{Edit::Spec, table};

    #[test]
    fn own_profiles_are_told() {
        let own = Spec("user_data: worker.sh", "user_data: worker.sh\n      instance_profile: worker");
        let protect = Spec("max: 4", "max: 4\n      protect: true");
        table(
            &RULE,
            &[(&[], &[]), (&[own], &["take jobs"]), (&[own, protect], &["take jobs and drop"]), (&[protect], &[])],
        );
    }
}
