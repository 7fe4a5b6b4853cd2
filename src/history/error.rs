//! What can be wrong with a recorded history.

use std::io;

use miette::Diagnostic;

use super::Kind;

/// Why a file gives no history.
#[derive(Debug, thiserror::Error, Diagnostic)]
pub enum HistoryError {
    /// The file cannot be read.
    #[error("cannot read `{file}`")]
    Unreadable {
        /// Its name.
        file: String,
        /// Why.
        source: io::Error,
    },
    /// Something in it is no price.
    #[error("{file}:{line}: {what}")]
    #[diagnostic(help(
        "a history is what `aws ec2 describe-spot-price-history` prints, or a table with the columns Timestamp, \
         AvailabilityZone and SpotPrice, and, if it is of several, InstanceType and ProductDescription"
    ))]
    Malformed {
        /// Its name.
        file: String,
        /// The line, from 1.
        line: u64,
        /// What is wrong there.
        what: String,
    },
    /// There is nothing in it.
    #[error("`{file}` holds no Spot price")]
    #[diagnostic(help(
        "`aws ec2 describe-spot-price-history` prints none for a type that the Region does not have, or for a period to come"
    ))]
    Empty {
        /// Its name.
        file: String,
    },
    /// It holds prices, but not those.
    #[error("`{file}` holds no Spot price of {wanted}")]
    #[diagnostic(help("it has {}; --instance-type and --product choose", list(kinds)))]
    Absent {
        /// Its name.
        file: String,
        /// What was looked for.
        wanted: String,
        /// What there is.
        kinds: Vec<Kind>,
    },
    /// It holds several, and nobody has said which.
    #[error("`{file}` holds Spot prices of more than one kind")]
    #[diagnostic(help("choose by --instance-type and --product: it has {}", list(kinds)))]
    Several {
        /// Its name.
        file: String,
        /// What there is.
        kinds: Vec<Kind>,
    },
}

/// So many are named at most.
const NAMED: usize = 6;

fn list(kinds: &[Kind]) -> String {
    let named: Vec<_> = kinds.iter().take(NAMED).map(ToString::to_string).collect();
    match kinds.len().saturating_sub(NAMED) {
        0 => named.join("; "),
        more => format!("{}; and {more} more", named.join("; ")),
    }
}
