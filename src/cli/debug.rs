//! `-v` and `--debug FILE`: what was asked of AWS.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::SystemTime;

use aws_smithy_types::DateTime;
use aws_smithy_types::date_time::Format;
use miette::{IntoDiagnostic, WrapErr};

use super::output::talk;
use super::{Global, Result, milliseconds};
use crate::aws::{Call, Journal};

/// Who is told of each request, if anybody wants to know.
pub(super) fn journal(global: &Global) -> Result<Option<Journal>> {
    let file = global.debug.as_deref().map(open).transpose()?.map(Mutex::new);
    let talks = global.verbose > 0 && !global.quiet;
    if file.is_none() && !talks {
        return Ok(None);
    }
    Ok(Some(Journal::new(move |call| {
        let line = line(call);
        if talks {
            talk(&format!("  {line}"));
        }
        if let Some(file) = &file {
            // A disk that is full is no reason to stop.
            let mut file = file.lock().unwrap_or_else(PoisonError::into_inner);
            let _ = writeln!(file, "{} {line}", now());
        }
    })))
}

/// A new file, or the end of one that is there; for its owner's eyes, because account and resource names are in it.
fn open(path: &Path) -> Result<File> {
    let mut options = OpenOptions::new();
    options.create(true).append(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let file = options.open(path).into_diagnostic();
    let mut file = file.wrap_err_with(|| format!("cannot write `{}`", path.display()))?;
    let begin = format!("{} spotstack {}", now(), env!("CARGO_PKG_VERSION"));
    writeln!(file, "{begin}").into_diagnostic().wrap_err_with(|| format!("cannot write `{}`", path.display()))?;
    Ok(file)
}

/// `cloudformation DescribeStacks: 200 in 35 ms, attempt 1, request 11-22`.
fn line(call: &Call) -> String {
    let ended = match (call.status, &call.error) {
        (Some(status), _) => status.to_string(),
        (None, Some(error)) => format!("no answer ({error})"),
        (None, None) => "no answer".into(),
    };
    let attempt = call.attempt.as_ref().map(|attempt| format!(", attempt {attempt}")).unwrap_or_default();
    let request = call.request_id.as_ref().map(|id| format!(", request {id}")).unwrap_or_default();
    format!("{} {}: {ended} in {} ms{attempt}{request}", call.service, call.operation, call.took.as_millis())
}

fn now() -> String {
    let now = DateTime::from_millis(milliseconds(SystemTime::now()));
    now.fmt(Format::DateTime).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_call_is_a_line() {
        let call = Call {
            service: "cloudformation".into(),
            operation: "DescribeStacks".into(),
            attempt: Some("2".into()),
            took: Duration::from_millis(35),
            status: Some(200),
            request_id: Some("11-22".into()),
            error: None,
        };
        assert_eq!(line(&call), "cloudformation DescribeStacks: 200 in 35 ms, attempt 2, request 11-22");
        let lost =
            Call { status: None, request_id: None, error: Some("Connection refused".into()), attempt: None, ..call };
        assert_eq!(line(&lost), "cloudformation DescribeStacks: no answer (Connection refused) in 35 ms");
    }
}
