//! A table with a header, or the lines that `aws ec2 describe-spot-price-history --output text` prints.

use std::io::{BufRead, Read};

use super::Entry;
use super::fields::{Field, Fields, shown};
use super::read::Stop;

/// What a column may be called, in lower case and without what separates words.
const NAMES: [(Field, &[&str]); 5] = [
    (Field::Zone, &["availabilityzone", "zone", "az"]),
    (Field::InstanceType, &["instancetype", "type", "instance"]),
    (Field::Product, &["productdescription", "product", "platform", "os"]),
    (Field::Price, &["spotprice", "price", "usd"]),
    (Field::At, &["timestamp", "time", "at", "date", "datetime"]),
];

/// How the lines of AWS's text output begin.
const AWS_LINE: &[u8] = b"SPOTPRICEHISTORY";

/// A price is a few dozen letters; what is longer than this is no table, and not to be kept in memory.
const LONGEST: usize = 64 * 1024;

/// Goes line by line, so that an error names the right one: a price has no line feeds in it.
pub(super) fn read(mut input: impl BufRead, mut each: impl FnMut(Entry<'_>)) -> Result<(), Stop> {
    let delimiter = delimiter(input.fill_buf().map_err(Stop::Io)?);
    let mut cells = Cells::new(delimiter);
    let (mut line, mut number, mut fields) = (Vec::new(), 0, Fields::default());
    let mut columns: Option<Vec<(usize, Field)>> = None;
    loop {
        line.clear();
        number += 1;
        if input.by_ref().take(LONGEST as u64).read_until(b'\n', &mut line).map_err(Stop::Io)? == 0 {
            return Ok(());
        }
        let malformed = |what: String| Stop::Malformed(number, what);
        if line.len() == LONGEST {
            return Err(malformed("the line is too long for a price".into()));
        }
        line.truncate(line.trim_ascii_end().len());
        if line.is_empty() || line.starts_with(b"#") || line.starts_with(b"NEXTTOKEN") {
            continue;
        }
        line.push(b'\n');
        let count = cells.read(&line).ok_or_else(|| malformed("a quote does not end on its line".into()))?;
        // AWS has put a column in before; the last four and the first have stayed what they are.
        let of_aws = [
            (1, Field::Zone),
            (count.wrapping_sub(4), Field::InstanceType),
            (count.wrapping_sub(3), Field::Product),
            (count.wrapping_sub(2), Field::Price),
            (count.wrapping_sub(1), Field::At),
        ];
        let columns = match &columns {
            _ if cells.get(0) == AWS_LINE && count >= 6 => &of_aws[..],
            Some(columns) => columns,
            None => {
                columns = Some(header((0..count).map(|cell| cells.get(cell))).map_err(malformed)?);
                continue;
            }
        };
        fields.clear();
        for &(column, field) in columns {
            let text = std::str::from_utf8(cells.get(column));
            let text = text.map_err(|_| malformed("this is no UTF-8 text".into()))?;
            fields.text(field).push_str(text);
        }
        each(fields.entry().map_err(malformed)?);
    }
}

/// A line cut into its cells.
struct Cells {
    reader: csv_core::Reader,
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

impl Cells {
    fn new(delimiter: u8) -> Self {
        let reader = csv_core::ReaderBuilder::new().delimiter(delimiter).build();
        Self { reader, bytes: Vec::new(), ends: Vec::new() }
    }

    /// How many there are in a line, which ends with a line feed; `None` where a quote does not end.
    fn read(&mut self, line: &[u8]) -> Option<usize> {
        self.reader.reset();
        self.bytes.resize(line.len(), 0);
        self.ends.resize(line.len(), 0);
        let (result, _, _, count) = self.reader.read_record(line, &mut self.bytes, &mut self.ends);
        (result == csv_core::ReadRecordResult::Record).then_some(count)
    }

    /// A cell without the space around it; nothing where there is none.
    fn get(&self, cell: usize) -> &[u8] {
        let start = cell.checked_sub(1).and_then(|before| self.ends.get(before)).copied().unwrap_or(0);
        let end = self.ends.get(cell).copied().unwrap_or(start);
        self.bytes.get(start..end).unwrap_or_default().trim_ascii()
    }
}

/// What separates the columns: whatever the first line that says something has most of.
fn delimiter(start: &[u8]) -> u8 {
    let line = start.split(|byte| *byte == b'\n').find(|line| !line.starts_with(b"#")).unwrap_or_default();
    let count = |delimiter: u8| line.iter().filter(|byte| **byte == delimiter).count();
    // Of as many, the last: the comma.
    b"\t;,".iter().copied().max_by_key(|delimiter| count(*delimiter)).unwrap_or(b',')
}

fn header<'a>(cells: impl Iterator<Item = &'a [u8]> + Clone) -> Result<Vec<(usize, Field)>, String> {
    let mut columns = Vec::new();
    for (column, name) in cells.clone().enumerate() {
        let name: String = name.iter().filter(|byte| byte.is_ascii_alphanumeric()).map(|byte| *byte as char).collect();
        let name = name.to_ascii_lowercase();
        let field = NAMES.iter().find(|(_, names)| names.contains(&name.as_str())).map(|(field, _)| *field);
        if let Some(field) = field.filter(|field| columns.iter().all(|(_, known)| known != field)) {
            columns.push((column, field));
        }
    }
    for (field, name) in [(Field::At, "Timestamp"), (Field::Zone, "AvailabilityZone"), (Field::Price, "SpotPrice")] {
        if columns.iter().all(|(_, known)| *known != field) {
            let begin = shown(&String::from_utf8_lossy(cells.clone().next().unwrap_or_default()));
            return Err(format!("neither JSON nor a header with a column {name}: `{begin}`"));
        }
    }
    Ok(columns)
}
