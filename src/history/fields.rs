//! One recorded price, from its texts.

use aws_smithy_types::DateTime;
use aws_smithy_types::date_time::Format;
use spot_policy::{PriceChange, Timestamp};

use super::{Kind, platform};

/// One price of a history.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Entry<'a> {
    /// The availability zone.
    pub zone: &'a str,
    /// The instance type; empty where the file does not say.
    pub instance_type: &'a str,
    /// The platform; empty where the file does not say.
    pub product: &'a str,
    /// Since when it is in force.
    pub at: Timestamp,
    /// USD per instance-hour.
    pub usd: f64,
}

impl Entry<'_> {
    /// What it is the price of.
    pub fn kind(&self) -> Kind {
        Kind { instance_type: self.instance_type.to_owned(), product: self.product.to_owned() }
    }

    /// The price alone.
    pub fn change(&self) -> PriceChange {
        PriceChange { zone: self.zone.to_owned(), at: self.at, usd: self.usd }
    }

    pub(super) fn is_of(&self, kind: &Kind) -> bool {
        self.instance_type == kind.instance_type && self.product == kind.product
    }
}

/// What a file can say of a price.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Field {
    Zone,
    InstanceType,
    Product,
    Price,
    At,
}

/// The fields of a price as texts; kept from one price to the next, so that a million of them need no million of texts.
#[derive(Debug, Default)]
pub(super) struct Fields {
    zone: String,
    instance_type: String,
    product: String,
    price: String,
    at: String,
    any: bool,
}

impl Fields {
    pub(super) fn clear(&mut self) {
        for text in [&mut self.zone, &mut self.instance_type, &mut self.product, &mut self.price, &mut self.at] {
            text.clear();
        }
        self.any = false;
    }

    /// Whether anything was said.
    pub(super) fn any(&self) -> bool {
        self.any
    }

    /// Where the text of a field goes; it is empty.
    pub(super) fn text(&mut self, field: Field) -> &mut String {
        self.any = true;
        let text = match field {
            Field::Zone => &mut self.zone,
            Field::InstanceType => &mut self.instance_type,
            Field::Product => &mut self.product,
            Field::Price => &mut self.price,
            Field::At => &mut self.at,
        };
        text.clear();
        text
    }

    /// The price, or what is wrong with it. Names are held to the letters that AWS uses, so that nobody who prints one has to
    /// fear it.
    pub(super) fn entry(&self) -> Result<Entry<'_>, String> {
        let name = |text: &str| text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._/ ()".contains(&byte));
        for (what, text, required) in [
            ("AvailabilityZone", &self.zone, true),
            ("InstanceType", &self.instance_type, false),
            ("ProductDescription", &self.product, false),
        ] {
            if required && text.is_empty() {
                return Err(format!("a price without {what}"));
            }
            if text.len() > 64 || !name(text) {
                return Err(format!("{what} is no name: `{}`", shown(text)));
            }
        }
        if self.price.is_empty() || self.at.is_empty() {
            return Err(format!("a price without {}", if self.at.is_empty() { "Timestamp" } else { "SpotPrice" }));
        }
        let usd = self.price.parse().ok().filter(|usd: &f64| usd.is_finite() && *usd >= 0.0);
        let usd = usd.ok_or_else(|| format!("SpotPrice is no price in USD: `{}`", shown(&self.price)))?;
        let at = moment(&self.at).ok_or_else(|| {
            format!("Timestamp is no moment such as 2026-11-23T20:49:31+00:00: `{}`", shown(&self.at))
        })?;
        let product = platform(&self.product);
        Ok(Entry { zone: &self.zone, instance_type: &self.instance_type, product, at, usd })
    }
}

/// Somebody's text, short and harmless.
pub(super) fn shown(text: &str) -> String {
    let short: String = text.chars().take(40).flat_map(char::escape_debug).collect();
    if text.chars().nth(40).is_some() { short + "…" } else { short }
}

/// A moment as RFC 3339 writes it; with a space for the T, and without an offset in UTC; or in seconds since 1970.
fn moment(text: &str) -> Option<Timestamp> {
    const END_OF_9999: i64 = 253_402_300_799;
    if let Ok(seconds) = text.parse::<i64>() {
        return (0..=END_OF_9999).contains(&seconds).then_some(Timestamp(seconds));
    }
    let read = |text: &str| DateTime::from_str(text, Format::DateTimeWithOffset).ok();
    let at = read(text).or_else(|| {
        let with_t = text.replacen(' ', "T", 1);
        read(&with_t).or_else(|| read(&(with_t + "Z")))
    })?;
    (0..=END_OF_9999).contains(&at.secs()).then_some(Timestamp(at.secs()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_read_as_people_write_them() {
        for text in [
            "2026-11-23T20:49:31+00:00",
            "2026-11-23T20:49:31.000Z",
            "2026-11-23T21:49:31+01:00",
            "2026-11-23 20:49:31",
            "2026-11-23T20:49:31",
            "1795466971",
        ] {
            assert_eq!(moment(text), Some(Timestamp(1_795_466_971)), "{text}");
        }
        for text in
            ["", "yesterday", "2026-11-23", "-1", "1969-12-31T23:59:59Z", "99999999999999", "2026-13-01T00:00:00Z"]
        {
            assert_eq!(moment(text), None, "{text}");
        }
    }

    #[test]
    fn texts_are_shown_short_and_harmless() {
        assert_eq!(shown("\u{1b}[2J"), "\\u{1b}[2J");
        assert_eq!(shown(&"a".repeat(60)), "a".repeat(40) + "…");
    }
}
