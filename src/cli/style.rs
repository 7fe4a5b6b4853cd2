//! How text looks on a terminal: its colours, and how wide it may be.

use dialoguer::console::{Style, Term};
use textwrap::{Options, WordSplitter};

use crate::chart::terminal::Tone;

/// Colours, or none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Paint(pub(super) bool);

impl Paint {
    /// A text in a style.
    pub(super) fn text(self, style: Style, text: &str) -> String {
        style.force_styling(self.0).apply_to(text).to_string()
    }

    /// A part of a chart.
    pub(super) fn chart(self, tone: Tone, text: &str) -> String {
        let style = match tone {
            Tone::Title => Style::new().bold(),
            Tone::Axis => Style::new().dim(),
            Tone::Value => Style::new().green(),
            Tone::Over => Style::new().yellow(),
            Tone::Mark => Style::new().cyan(),
        };
        self.text(style, text)
    }
}

/// How wide a terminal is, for what is read line by line: no wider than eyes follow. Nothing, where there is none.
pub(super) fn columns(term: &Term) -> Option<usize> {
    term.is_term().then(|| usize::from(term.size().1).clamp(40, 120))
}

/// How wide prose may be on standard output.
pub(super) fn prose_columns() -> usize {
    columns(&Term::stdout()).unwrap_or(80).min(80)
}

/// How prose is folded: never within a flag, a command or a name, which are there to be copied.
pub(super) fn folding(columns: usize) -> Options<'static> {
    Options::new(columns).break_words(false).word_splitter(WordSplitter::NoHyphenation)
}
