//! What went wrong in AWS, for people: the root cause first, AWS's text in one piece, so that it can be copied and searched for;
//! what it means, where in the spec it comes from, and what to do.

use dialoguer::console::Style;

use super::style::Paint;
use crate::deploy::cause::Cause;
use crate::deploy::cause::Left;
use crate::deploy::text::count;

/// What failed by itself, and how much was given up because of it.
pub(super) fn failures(causes: &[Cause], cancelled: usize, reason: Option<&str>, paint: Paint) -> String {
    let mut lines = vec![String::new()];
    for (index, cause) in causes.iter().enumerate() {
        let title = if index == 0 { "root cause:" } else { "then also:" };
        let style = if index == 0 { Style::new().red().bold() } else { Style::new().red() };
        lines.extend(told(cause, &paint.text(style, title), paint));
    }
    match (causes, reason) {
        ([], Some(reason)) => lines.push(format!("CloudFormation says: {reason}")),
        ([], None) => lines.push("CloudFormation gives no reason.".into()),
        _ => {}
    }
    if cancelled > 0 {
        lines.push(format!("({} given up because of it)", count(cancelled, "other resource")));
    }
    lines.push(String::new());
    lines.join("\n")
}

/// What stopped the way back, and what is skipped.
pub(super) fn stuck(stuck: &[Left], reason: Option<&str>, paint: Paint) -> String {
    let mut lines = vec![String::new(), "Going back to what was there before the update has failed at:".into()];
    for left in stuck {
        let (title, style) = match left.skipped {
            true => ("skipped:", Style::new().yellow().bold()),
            false => ("tried again:", Style::new().bold()),
        };
        lines.extend(told(&left.cause, &paint.text(style, title), paint));
        if left.skipped {
            lines.push("    it stays as it is, and CloudFormation takes it for what it was before".into());
        }
    }
    if let ([], Some(reason)) = (stuck, reason) {
        lines.push(format!("CloudFormation says: {reason}"));
    }
    if stuck.iter().any(|left| !left.skipped) {
        lines.push("What cannot be mended can be skipped: `--skip <id>`, as often as needed.".into());
    }
    lines.push(String::new());
    lines.join("\n")
}

fn told(cause: &Cause, title: &str, paint: Paint) -> Vec<String> {
    let failure = &cause.failure;
    let mut lines = vec![format!("{title} {} ({})", failure.logical_id, failure.resource_type)];
    lines.extend(failure.about.as_ref().map(|about| format!("    {about}")));
    lines.extend(failure.reason.lines().map(|line| format!("    {line}")));
    lines.extend(cause.details.iter().map(|detail| format!("    {detail}")));
    let mut say = |word: &str, text: &str| lines.push(format!("    {} {text}", paint.text(Style::new().bold(), word)));
    if let Some(place) = &cause.spec {
        say("in the spec:", &place.to_string());
    }
    if let Some(hint) = &cause.hint {
        say("that means:", hint.meaning);
        say("to do:", hint.next);
    }
    if let Some(statement) = &cause.statement {
        say("the statement:", statement);
    }
    if let Some(hint) = &cause.hint {
        say("AWS's page:", hint.source);
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::deploy::progress::Failure;

    #[test]
    fn a_failure_says_all_that_is_known_and_aws_is_quoted_whole() {
        let reason = "Resource handler returned message: \"User: x is not authorized to perform: iam:CreateRole on resource: arn:aws:iam::1:role/y because no identity-based policy allows it\"";
        let failure = Failure {
            at: Default::default(),
            logical_id: "GpuSpotManagerRole".into(),
            resource_type: "AWS::IAM::Role".into(),
            about: Some("Who the SpotManager is".into()),
            status: "CREATE_FAILED".into(),
            reason: reason.into(),
        };
        let cause = Cause::new(failure, vec!["a detail".into()], None);
        let told = failures(&[cause.clone(), cause.clone()], 3, None, Paint(false));
        for line in [
            "root cause: GpuSpotManagerRole (AWS::IAM::Role)",
            &format!("    {reason}"),
            "    a detail",
            "    that means: whoever deploys may not do this",
            r#"    the statement: {"Effect":"Allow","Action":"iam:CreateRole","Resource":"arn:aws:iam::1:role/y"}"#,
            "then also: GpuSpotManagerRole (AWS::IAM::Role)",
            "(3 other resources given up because of it)",
        ] {
            assert!(told.lines().any(|told| told.starts_with(line)), "«{line}» is not in:\n{told}");
        }
        let told = stuck(&[Left { cause, skipped: true }], None, Paint(false));
        assert!(told.contains("skipped: GpuSpotManagerRole") && !told.contains("--skip"), "{told}");
    }

    #[test]
    fn without_a_resource_s_reason_the_stack_s_own_is_told() {
        assert!(failures(&[], 0, Some("User Initiated"), Paint(false)).contains("CloudFormation says: User Initiated"));
        assert!(failures(&[], 0, None, Paint(false)).contains("gives no reason"));
    }
}
