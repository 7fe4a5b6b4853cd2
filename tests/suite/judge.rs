//! What must hold for any text that is taken for a spec: it renders to a verified template, or every problem is shown in it.

use std::fmt::Write;

use miette::{Diagnostic, GraphicalReportHandler, GraphicalTheme, Severity};
use spotstack::blueprint::Blueprints;
use spotstack::plan::Plan;
use spotstack::template::Template;
use spotstack::{blueprint, spec};

/// How a text fared.
#[derive(Debug)]
#[allow(dead_code, reason = "the fuzz target only looks for a panic")]
pub(crate) enum Fared {
    /// It is a spec, and this is its template.
    Renders(Box<Template>),
    /// It is none; what is shown to the user.
    Refused(String),
}

/// Reads a text as a spec, renders it, and panics where something does not hold.
pub(crate) fn judge(text: &str) -> Fared {
    match spec::from_text("spotstack.yaml", text) {
        Ok(spec) => {
            let plan = Plan::new(&spec, "spotstack.yaml");
            let rendered = blueprint::render(&plan, &Blueprints::default()).expect("a spec renders");
            Fared::Renders(Box::new(Template::rendered(rendered).expect("what is rendered is a template")))
        }
        Err(error) => {
            for problem in error.related().into_iter().flatten() {
                assert!(!problem.to_string().is_empty(), "a problem says what it is");
                assert_eq!(problem.severity(), Some(Severity::Error));
                for label in problem.labels().into_iter().flatten() {
                    let source = problem.source_code().expect("a place is in a text");
                    let shown = source.read_span(label.inner(), 0, 0).expect("a place is inside of the text");
                    assert!(std::str::from_utf8(shown.data()).is_ok(), "a place does not cut a character");
                }
            }
            let mut report = String::new();
            let handler = GraphicalReportHandler::new_themed(GraphicalTheme::unicode_nocolor()).with_width(80);
            handler.render_report(&mut report, &error).expect("a report is written");
            if let Some(help) = error.help() {
                write!(report, "{help}").expect("a report is written");
            }
            assert!(report.len() < 200_000, "a report that somebody reads: {} bytes", report.len());
            let drives = |char: char| char.is_control() && char != '\n';
            assert!(!report.contains(drives), "a report does not drive the terminal: {report:?}");
            Fared::Refused(report)
        }
    }
}
