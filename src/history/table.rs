//! A table with a header, or the lines that `aws ec2 describe-spot-price-history --output text` prints.

use std::io::BufRead;

use super::Entry;
use super::fields::{Field, Fields, shown};
use super::lines::Lines;
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
const AWS_LINE: &str = "SPOTPRICEHISTORY";

/// And one among them that says where it goes on.
const NEXT_TOKEN: &str = "NEXTTOKEN";

/// Hands over the price of each line.
pub(super) fn read(input: impl BufRead, mut each: impl FnMut(Entry<'_>)) -> Result<(), Stop> {
    let mut lines = Lines::new(input)?;
    let mut fields = Fields::default();
    let mut columns: Option<Vec<(usize, Field)>> = None;
    while let Some(count) = lines.next()? {
        let first = lines.cell(0)?;
        if first == NEXT_TOKEN {
            continue;
        }
        // AWS has put a column in before; the last four and the first have stayed what they are.
        let of_aws = [
            (1, Field::Zone),
            (count.wrapping_sub(4), Field::InstanceType),
            (count.wrapping_sub(3), Field::Product),
            (count.wrapping_sub(2), Field::Price),
            (count.wrapping_sub(1), Field::At),
        ];
        let columns = match &columns {
            _ if first == AWS_LINE && count >= 6 => &of_aws[..],
            Some(columns) => columns,
            None => {
                columns = Some(header(&lines.cells()?).map_err(|what| lines.malformed(what))?);
                continue;
            }
        };
        fields.clear();
        for &(column, field) in columns {
            fields.text(field).push_str(lines.cell(column)?);
        }
        each(fields.entry().map_err(|what| lines.malformed(what))?);
    }
    Ok(())
}

fn header(cells: &[&str]) -> Result<Vec<(usize, Field)>, String> {
    let mut columns = Vec::new();
    for (column, name) in cells.iter().enumerate() {
        let name: String = name.chars().filter(char::is_ascii_alphanumeric).collect();
        let name = name.to_ascii_lowercase();
        let field = NAMES.iter().find(|(_, names)| names.contains(&name.as_str())).map(|(field, _)| *field);
        if let Some(field) = field.filter(|field| columns.iter().all(|(_, known)| known != field)) {
            columns.push((column, field));
        }
    }
    for (field, name) in [(Field::At, "Timestamp"), (Field::Zone, "AvailabilityZone"), (Field::Price, "SpotPrice")] {
        if columns.iter().all(|(_, known)| *known != field) {
            let begin = shown(cells.first().unwrap_or(&""));
            return Err(format!("neither JSON nor a header with a column {name}: `{begin}`"));
        }
    }
    Ok(columns)
}
