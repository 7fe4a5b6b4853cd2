//! Where statuses are shown: one after the other, or in the place of the one before.

use std::io::{self, IsTerminal};
use std::time::SystemTime;

use dialoguer::console::{Term, truncate_str};
use spot_policy::Timestamp;

use super::{Args, EVERY, Status, show};
use crate::cli::link::{self, link};
use crate::cli::output::{Format, Reader, print, print_json_line};
use crate::cli::style::columns;
use crate::cli::{Global, Result, milliseconds};
use crate::deploy::CloudError;
use crate::deploy::text::moment;
use crate::neutral::neutral;

/// See the module.
pub(super) struct Page<'a> {
    global: &'a Global,
    format: Format,
    in_place: bool,
    last: Option<Status>,
    lost: bool,
}

impl<'a> Page<'a> {
    pub(super) fn new(args: &Args, global: &'a Global) -> Self {
        let in_place = args.watch && args.format == Format::Text && io::stdout().is_terminal();
        Self { global, format: args.format, in_place, last: None, lost: false }
    }

    pub(super) fn show(&mut self, status: Status) -> Result<Reader> {
        self.lost = false;
        let blank = if self.last.is_some() { "\n" } else { "" };
        let reader = match self.format {
            Format::Json => print_json_line(&status),
            Format::Text if self.in_place => print(&self.drawn(&status, None)),
            Format::Text => print(&format!("{blank}{}\n", self.text(&status))),
        };
        self.last = Some(status);
        reader
    }

    /// AWS does not answer: what was seen last stays, with a word on it.
    pub(super) fn lost(&mut self, error: &CloudError) -> Result<Reader> {
        let again = std::mem::replace(&mut self.lost, true);
        match &self.last {
            Some(status) if self.in_place => return print(&self.drawn(status, Some(&error.to_string()))),
            _ if !again => self.global.say(&format!("no answer, trying again: {error}")),
            _ => {}
        }
        Ok(Reader::There)
    }

    fn text(&self, status: &Status) -> String {
        // What is drawn in its place is cut where the terminal ends, so that it stays where it is.
        let width = columns(&Term::stdout()).filter(|_| !self.in_place);
        let text = show::text(status, self.global.paint(), width);
        match status.console.as_deref().filter(|_| link::is_shown(self.global)) {
            Some(url) => text.replacen(&status.stack, &link(url, &status.stack), 1),
            None => text,
        }
    }

    /// Over what is there: each line is written to its end and what is behind it cleared, so that nothing flickers.
    fn drawn(&self, status: &Status, trouble: Option<&str>) -> String {
        let (rows, columns) = Term::stdout().size();
        let mut lines: Vec<String> = self.text(status).lines().map(Into::into).collect();
        lines.push(String::new());
        lines.push(match trouble {
            Some(trouble) => format!("no answer, trying again; the above is old: {}", neutral(trouble)),
            None => format!(
                "{}, again every {} s; Ctrl-C ends it",
                moment(Timestamp(milliseconds(SystemTime::now()) / 1_000)),
                EVERY.as_secs()
            ),
        });
        let (room, columns) = (usize::from(rows).max(4) - 1, usize::from(columns));
        if lines.len() > room {
            let hidden = lines.len() - (room - 1);
            lines.truncate(room - 1);
            lines.push(format!("… {hidden} more lines, which a taller terminal shows"));
        }
        let mut out = String::from("\x1b[H");
        for line in lines {
            out.push_str(&truncate_str(&line, columns, "…"));
            out.push_str("\x1b[K\n");
        }
        out.push_str("\x1b[J");
        if self.last.is_none() {
            out.insert_str(0, "\x1b[2J");
        }
        out
    }
}
