//! Recorded Spot prices: what `aws ec2 describe-spot-price-history` prints, or a table.
//!
//! A file is read once, from its beginning to its end, and never held as a whole: [`read()`] hands over one [`Entry`] after the
//! other, whatever the size. [`History`] keeps of them what is asked for, and counts the rest, so that the price of one instance
//! type is found in a file of all of them. What is no price is an error that names its line: a wrong average is worse than none.

use std::collections::BTreeMap;
use std::fmt;
use std::io::BufRead;

use spot_policy::{PriceChange, Timestamp};

mod error;
mod fields;
mod json;
mod lines;
mod read;
pub mod summary;
mod table;
#[cfg(test)]
mod tests;

pub use error::HistoryError;
pub use fields::Entry;
pub(crate) use lines::Lines;
pub(crate) use read::Stop;
pub use read::read;
pub use summary::Summary;

/// What a price is of.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Kind {
    /// The instance type; empty where the file does not say.
    pub instance_type: String,
    /// The platform, `Linux/UNIX` for one; empty where the file does not say.
    pub product: String,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let said = [&self.instance_type, &self.product].map(String::as_str);
        f.write_str(said.map(|text| if text.is_empty() { "?" } else { text }).join(", ").as_str())
    }
}

/// Which prices are looked for; `None`: whichever there is, if there is only one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Wanted<'a> {
    /// The instance type.
    pub instance_type: Option<&'a str>,
    /// The platform. Its name of the days of EC2-Classic, with ` (Amazon VPC)` after it, is the same.
    pub product: Option<&'a str>,
}

impl Wanted<'_> {
    /// Whether it is looked for. What a file does not say is taken to be what is looked for.
    fn matches(&self, kind: &Kind) -> bool {
        let same = |wanted: Option<&str>, said: &str| said.is_empty() || wanted.is_none_or(|wanted| wanted == said);
        same(self.instance_type, &kind.instance_type) && same(self.product.map(platform), &kind.product)
    }
}

/// The platform without its addition of the days of EC2-Classic: AWS has listed both.
fn platform(product: &str) -> &str {
    product.strip_suffix(" (Amazon VPC)").unwrap_or(product)
}

/// How the Spot price of one instance type went, zone by zone.
#[derive(Debug, Clone, PartialEq)]
pub struct History {
    /// What it is the price of.
    pub kind: Kind,
    /// Each zone's changes, newest first: as AWS lists them, and as [`spot_policy::prices_by_zone`] reads them fastest. No zone
    /// is without one.
    pub zones: BTreeMap<String, Vec<PriceChange>>,
    /// What else the file holds, and how many prices of it.
    pub others: BTreeMap<Kind, u64>,
}

impl History {
    /// The history of these changes, in whatever order they come.
    pub fn new(kind: Kind, changes: impl IntoIterator<Item = PriceChange>) -> Self {
        let mut zones = BTreeMap::<String, Vec<PriceChange>>::new();
        for change in changes {
            match zones.get_mut(&change.zone) {
                Some(zone) => zone.push(change),
                None => drop(zones.insert(change.zone.clone(), vec![change])),
            }
        }
        for zone in zones.values_mut() {
            // Most come sorted. Of two prices at one moment the dearer one counts, as in the policy.
            zone.sort_by(|a, b| b.at.cmp(&a.at).then(b.usd.total_cmp(&a.usd)));
            zone.dedup_by_key(|change| change.at);
        }
        Self { kind, zones, others: BTreeMap::new() }
    }

    /// Reads the history of what is looked for out of a file's text. `file` is its name, for errors.
    ///
    /// # Errors
    /// It cannot be read, something in it is no price, there is none, or it is not clear which one is meant.
    pub fn read(file: &str, input: impl BufRead, wanted: Wanted<'_>) -> Result<Self, HistoryError> {
        let (mut found, mut others) = (BTreeMap::<Kind, u64>::new(), BTreeMap::<Kind, u64>::new());
        let mut changes = Vec::new();
        // Most entries are of the same kind as the one before.
        let mut last: Option<(Kind, bool)> = None;
        read(file, input, |entry| {
            let (kind, matches) = match &mut last {
                Some(last) if entry.is_of(&last.0) => &*last,
                last => {
                    let kind = entry.kind();
                    let matches = wanted.matches(&kind);
                    &*last.insert((kind, matches))
                }
            };
            let counts = if *matches { &mut found } else { &mut others };
            match counts.get_mut(kind) {
                Some(count) => *count += 1,
                None => drop(counts.insert(kind.clone(), 1)),
            }
            match (matches, found.len()) {
                (true, 1) => changes.push(entry.change()),
                // It is not clear which one is meant: from here on they are only counted.
                (true, _) => changes = Vec::new(),
                (false, _) => {}
            }
        })?;
        let file = file.to_owned();
        match (found.len(), found.pop_first()) {
            (1, Some((kind, _))) => Ok(Self { others, ..Self::new(kind, changes) }),
            (_, Some((kind, count))) => {
                found.insert(kind, count);
                Err(HistoryError::Several { file, kinds: found.into_keys().collect() })
            }
            (_, None) if others.is_empty() => Err(HistoryError::Empty { file }),
            (_, None) => Err(HistoryError::Absent {
                file,
                wanted: [wanted.instance_type, wanted.product].into_iter().flatten().collect::<Vec<_>>().join(", "),
                kinds: others.into_keys().collect(),
            }),
        }
    }

    /// When the first and the last of its changes were.
    pub fn span(&self) -> Option<(Timestamp, Timestamp)> {
        let first = self.zones.values().filter_map(|zone| zone.last()).map(|change| change.at).min()?;
        let last = self.zones.values().filter_map(|zone| zone.first()).map(|change| change.at).max()?;
        Some((first, last))
    }

    /// All changes, oldest first; of the same moment in the order of their zones.
    pub fn changes(&self) -> Vec<&PriceChange> {
        let mut all: Vec<_> = self.zones.values().flat_map(|zone| zone.iter().rev()).collect();
        all.sort_by_key(|change| change.at);
        all
    }

    /// Leaves away what was over before `start`: what a zone cost then stays.
    pub fn since(&mut self, start: Timestamp) {
        for zone in self.zones.values_mut() {
            let within = zone.partition_point(|change| change.at > start);
            zone.truncate(within + 1);
        }
    }
}
