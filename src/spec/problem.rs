//! What is wrong with a spec, shown in the user's own lines.

use std::fmt;
use std::ops::Range;

use miette::{
    Diagnostic, LabeledSpan, MietteError, MietteSpanContents, NamedSource, Severity, SourceCode, SourceSpan,
    SpanContents,
};
use serde_saphyr::Location;

use super::excerpt::{self, plain};

/// So many problems are shown, and looked for where each costs a reading: nobody reads more at a time.
pub(super) const MOST: usize = 50;

/// The place of a value that is not known, while its key is.
const NOWHERE: Range<usize> = usize::MAX..usize::MAX;

/// One thing that is wrong, and the places it concerns.
#[derive(Debug, Clone)]
pub struct Problem {
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub help: Option<String>,
    labels: Vec<Label>,
}

/// A place in the user's text, and a few words for it.
#[derive(Debug, Clone)]
struct Label {
    place: Range<usize>,
    /// The key that is meant, where the place is its value's.
    key: Option<String>,
    words: String,
}

impl Problem {
    /// Something wrong at `place`, which the label says in a few words.
    pub(crate) fn at(place: Location, label: impl Into<String>, message: impl Into<String>) -> Self {
        Self { message: message.into(), help: None, labels: vec![] }.and(place, label)
    }

    /// Something wrong with the key whose value is at `place`.
    pub(crate) fn at_key(place: Location, key: &str, label: impl Into<String>, message: impl Into<String>) -> Self {
        Self { message: message.into(), help: None, labels: vec![] }.and_key(place, key, label)
    }

    /// Something wrong with the last key of this name in the text.
    pub(super) fn at_last_key(key: &str, label: impl Into<String>, message: impl Into<String>) -> Self {
        let label = Label { place: NOWHERE, key: Some(key.to_owned()), words: label.into() };
        Self { message: message.into(), help: None, labels: vec![label] }
    }

    /// Something wrong at this place of the text, in bytes.
    pub(super) fn over(place: Range<usize>, label: impl Into<String>, message: impl Into<String>) -> Self {
        Self { message: message.into(), help: None, labels: vec![] }.and_over(place, label)
    }

    /// Another place that has to do with it.
    pub(crate) fn and(self, place: Location, label: impl Into<String>) -> Self {
        if place == Location::UNKNOWN { self } else { self.and_over(span(place), label) }
    }

    /// Another key that has to do with it, by its value's place.
    pub(crate) fn and_key(mut self, place: Location, key: &str, label: impl Into<String>) -> Self {
        if place != Location::UNKNOWN {
            self.labels.push(Label { place: span(place), key: Some(key.to_owned()), words: label.into() });
        }
        self
    }

    /// Another place of the text that has to do with it.
    pub(super) fn and_over(mut self, place: Range<usize>, label: impl Into<String>) -> Self {
        self.labels.push(Label { place, key: None, words: label.into() });
        self
    }

    /// What to do about it.
    pub(crate) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// Where it begins in the text.
    pub(super) fn start(&self) -> usize {
        self.labels.iter().map(|label| label.place.start).min().unwrap_or(0)
    }

    /// The same about another text: where each of its places stands there. None where one of them does not.
    pub(super) fn moved(mut self, place: impl Fn(usize) -> Option<Range<usize>>) -> Option<Self> {
        for label in self.labels.iter_mut().filter(|label| label.place != NOWHERE) {
            label.place = place(label.place.start)?;
        }
        Some(self)
    }
}

/// A place in bytes.
pub(super) fn span(place: Location) -> Range<usize> {
    let span = place.span();
    let start = usize::try_from(span.byte_offset().unwrap_or(span.offset())).unwrap_or(0);
    let length = usize::try_from(span.byte_len().unwrap_or(span.len())).unwrap_or(0);
    start..start.saturating_add(length)
}

/// A spec that cannot be used.
#[derive(Debug)]
pub struct SpecError {
    message: String,
    help: Option<String>,
    problems: Vec<Shown>,
}

impl SpecError {
    /// The file itself cannot be read.
    pub(crate) fn unreadable(message: String, help: &str) -> Self {
        Self { message: plain(&message), help: Some(help.to_owned()), problems: vec![] }
    }

    /// Everything that is wrong with the file of this name and text.
    pub(crate) fn new(file: &str, text: &str, mut problems: Vec<Problem>) -> Self {
        problems.sort_by_key(Problem::start);
        let count = match problems.len() {
            1 => "an error".to_owned(),
            count if count < MOST => format!("{count} errors"),
            _ => "many errors".to_owned(),
        };
        let help = (problems.len() >= MOST).then(|| format!("the first {MOST} are shown; others after these"));
        let file = plain(file);
        let problems = problems.into_iter().take(MOST).map(|problem| Shown::new(problem, &file, text)).collect();
        Self { message: format!("`{file}` has {count}"), help, problems }
    }
}

impl fmt::Display for SpecError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for SpecError {}

impl Diagnostic for SpecError {
    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.help.as_ref().map(|help| Box::new(help) as _)
    }

    fn related<'a>(&'a self) -> Option<Box<dyn Iterator<Item = &'a dyn Diagnostic> + 'a>> {
        (!self.problems.is_empty()).then(|| Box::new(self.problems.iter().map(|shown| shown as &dyn Diagnostic)) as _)
    }
}

/// A problem beside the lines that it is in.
#[derive(Debug)]
struct Shown {
    message: String,
    help: Option<String>,
    labels: Vec<LabeledSpan>,
    source: Lines,
}

/// The lines that are shown, which know the columns of their places in the user's own lines: an endless one is shown in part.
#[derive(Debug)]
struct Lines {
    source: NamedSource<String>,
    /// Where a place begins here, and its column in the user's text, both from 0.
    columns: Vec<(usize, usize)>,
}

impl SourceCode for Lines {
    fn read_span<'a>(
        &'a self,
        span: &SourceSpan,
        before: usize,
        after: usize,
    ) -> Result<Box<dyn SpanContents<'a> + 'a>, MietteError> {
        let contents = self.source.read_span(span, before, after)?;
        let column = self.columns.iter().find(|(start, _)| *start == span.offset()).map(|(_, column)| *column);
        // With lines around it, it is what is printed; without, what stands at the head: `file:line:column`.
        let Some(column) = column.filter(|_| before == 0 && after == 0) else { return Ok(contents) };
        let (line, count) = (contents.line(), contents.line_count());
        let name = self.source.name().to_owned();
        Ok(Box::new(MietteSpanContents::new_named(name, contents.data(), *contents.span(), line, column, count)))
    }
}

impl Shown {
    fn new(problem: Problem, file: &str, text: &str) -> Self {
        let places: Vec<Range<usize>> = problem
            .labels
            .iter()
            .map(|label| match &label.key {
                Some(key) => excerpt::key_before(text, label.place.start, key).unwrap_or(label.place.clone()),
                None => label.place.clone(),
            })
            .collect();
        let columns: Vec<usize> = places.iter().map(|place| excerpt::column(text, place.start)).collect();
        let (text, places) = excerpt::around(text, &places);
        let columns = places.iter().map(|place| place.start).zip(columns).collect();
        let mut labels: Vec<(Range<usize>, String)> = vec![];
        for (place, label) in places.into_iter().zip(problem.labels) {
            // Through an alias two values may stand at one place.
            match labels.iter_mut().find(|(there, _)| *there == place) {
                Some((_, words)) => *words = format!("{words}; {}", label.words),
                None => labels.push((place, label.words)),
            }
        }
        let labels = labels.into_iter().map(|(place, words)| {
            let words = Some(plain(&words)).filter(|words| !words.is_empty());
            LabeledSpan::new(words, place.start, place.len())
        });
        Self {
            message: plain(&problem.message),
            help: problem.help.as_deref().map(plain),
            labels: labels.collect(),
            source: Lines { source: NamedSource::new(file, text).with_language("YAML"), columns },
        }
    }
}

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Shown {}

impl Diagnostic for Shown {
    fn severity(&self) -> Option<Severity> {
        Some(Severity::Error)
    }

    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.help.as_ref().map(|help| Box::new(help) as _)
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        Some(&self.source)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        (!self.labels.is_empty()).then(|| Box::new(self.labels.iter().cloned()) as _)
    }
}
