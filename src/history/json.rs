//! What `aws ec2 describe-spot-price-history` prints: a page, several one after the other, or the list in it alone.

use std::fmt::{self, Write as _};
use std::io::BufRead;

use serde::de::{DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::error::Category;

use super::Entry;
use super::fields::{Field, Fields};
use super::read::Stop;

pub(super) fn read(input: impl BufRead, each: impl FnMut(Entry<'_>)) -> Result<(), Stop> {
    let mut deserializer = serde_json::Deserializer::from_reader(input);
    let mut reading = Reading { fields: Fields::default(), each };
    // A page follows as long as anything does.
    while deserializer.end().is_err() {
        Part { reading: &mut reading, list: true }.deserialize(&mut deserializer).map_err(stop)?;
    }
    Ok(())
}

fn stop(error: serde_json::Error) -> Stop {
    let line = error.line() as u64;
    match error.classify() {
        Category::Io => Stop::Io(error.into()),
        Category::Eof => Stop::Malformed(line, "the file ends in the middle; was its download cut off?".into()),
        Category::Syntax | Category::Data => {
            let text = error.to_string();
            let place = format!(" at line {line} column {}", error.column());
            Stop::Malformed(line, text.strip_suffix(&place).unwrap_or(&text).to_owned())
        }
    }
}

struct Reading<F> {
    fields: Fields,
    each: F,
}

/// A page, a price, or a list of either.
struct Part<'r, F> {
    reading: &'r mut Reading<F>,
    /// Whether a list may be here: there is none in a list.
    list: bool,
}

impl<'de, F: FnMut(Entry<'_>)> DeserializeSeed<'de> for Part<'_, F> {
    type Value = ();
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de, F: FnMut(Entry<'_>)> Visitor<'de> for Part<'_, F> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.list { "a `SpotPriceHistory`" } else { "a price" })
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        if !self.list {
            return Err(A::Error::custom("a list where a price should be"));
        }
        while list.next_element_seed(Part { reading: self.reading, list: false })?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        self.reading.fields.clear();
        let mut is_page = false;
        while let Some(key) = map.next_key_seed(KeySeed)? {
            match key {
                Key::Page if self.list && !self.reading.fields.any() => {
                    is_page = true;
                    map.next_value_seed(Part { reading: self.reading, list: true })?;
                    self.reading.fields.clear();
                }
                Key::Field(field) if !is_page => {
                    map.next_value_seed(Text(self.reading.fields.text(field)))?;
                }
                Key::Page | Key::Field(_) | Key::Other => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        if is_page {
            return Ok(());
        }
        if !self.reading.fields.any() && self.list {
            return Err(A::Error::custom("there is no `SpotPriceHistory` in this"));
        }
        let entry = self.reading.fields.entry().map_err(A::Error::custom)?;
        (self.reading.each)(entry);
        Ok(())
    }
}

enum Key {
    Page,
    Field(Field),
    Other,
}

struct KeySeed;

impl<'de> DeserializeSeed<'de> for KeySeed {
    type Value = Key;
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Key, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for KeySeed {
    type Value = Key;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_str<E>(self, key: &str) -> Result<Key, E> {
        Ok(match key {
            "SpotPriceHistory" => Key::Page,
            "AvailabilityZone" => Key::Field(Field::Zone),
            "InstanceType" => Key::Field(Field::InstanceType),
            "ProductDescription" => Key::Field(Field::Product),
            "SpotPrice" => Key::Field(Field::Price),
            "Timestamp" => Key::Field(Field::At),
            _ => Key::Other,
        })
    }
}

/// The text of a field, or a number as its text; null is nothing said.
struct Text<'t>(&'t mut String);

impl<'de> DeserializeSeed<'de> for Text<'_> {
    type Value = ();
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl Text<'_> {
    fn number<E>(self, number: impl fmt::Display) -> Result<(), E> {
        // Writing to a text does not fail.
        let _ = write!(self.0, "{number}");
        Ok(())
    }
}

impl Visitor<'_> for Text<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text or a number")
    }

    fn visit_str<E>(self, text: &str) -> Result<(), E> {
        self.0.push_str(text);
        Ok(())
    }

    fn visit_f64<E>(self, number: f64) -> Result<(), E> {
        self.number(number)
    }

    fn visit_u64<E>(self, number: u64) -> Result<(), E> {
        self.number(number)
    }

    fn visit_i64<E>(self, number: i64) -> Result<(), E> {
        self.number(number)
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }
}
