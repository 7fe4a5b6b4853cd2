//! What is referred to exists: what [`Template::new`](crate::template::Template::new) insists on, as findings with their places.

use super::{Found, Place, Rule, Severity, Subject};
use crate::template::TemplateError;

pub(in crate::check) static RULE: Rule = Rule {
    id: "dangling-reference",
    severity: Severity::Error,
    sentence: "A reference leads to nothing.",
    fix: "correct the logical id, or add what it names",
    why: "CloudFormation refuses such a template, after the upload. The expression `!Ref ${{ pair.id ~ \"Queue\" }}` in a blueprint \
          is right for a queue that the stack creates, and leads nowhere for one that exists. This one cannot be silenced.",
    source: "https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/intrinsic-function-reference-ref.html",
    check,
};

fn check(subject: &Subject<'_>) -> Vec<Found> {
    let dangling = subject.faults.iter().filter_map(|fault| {
        let TemplateError::Dangling { from, to } = fault else { return None };
        let variable = format!("${{{to}");
        let place = subject.resources().find(|resource| resource.resource == from).and_then(|resource| {
            let mut strings = resource.strings().into_iter();
            strings.find(|(_, text)| text == to || text.contains(&variable)).map(|(node, _)| Place::from(&node))
        });
        let place = place.unwrap_or_else(|| Place { resource: from.clone(), path: vec![] });
        Some(Found::new(fault.to_string()).within(place))
    });
    dangling.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::testing::{Edit::Template, report, table};

    #[test]
    fn references_lead_somewhere() {
        table(
            &RULE,
            &[
                (&[], &[]),
                (
                    &[Template("Role: !GetAtt GpuSpotManagerRole.Arn", "Role: !GetAtt Nobody.Arn")],
                    &["refers to `Nobody`"],
                ),
                (
                    &[
                        Template("LogGroup: !Ref GpuSpotManagerLogs", "LogGroup: !Sub \"x-${Nothing}\""),
                        Template("QUEUE_URL: !Ref GpuQueue", "QUEUE_URL: !Ref Nowhere"),
                    ],
                    &["`Nothing`", "`Nowhere`"],
                ),
            ],
        );
        let report = report(&[Template("Role: !GetAtt GpuSpotManagerRole.Arn", "Role: !GetAtt Nobody.Arn")]);
        let place = report.findings[0].template.clone().expect("a place");
        assert_eq!(place.blueprint.expect("a blueprint").file, "manager.yaml");
    }
}
