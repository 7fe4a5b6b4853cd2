//! A table of text, one line at a time, so that an error names the right one: none is endless, and each is cut into its cells.

use std::io::{BufRead, Read};

use super::read::Stop;

/// A price or a number is a few dozen letters; what is longer than this is no table, and not to be kept in memory.
const LONGEST: usize = 64 * 1024;

/// The lines that say something: neither empty nor a remark, which begins with `#`.
pub(crate) struct Lines<R> {
    input: R,
    reader: csv_core::Reader,
    line: Vec<u8>,
    number: u64,
    bytes: Vec<u8>,
    ends: Vec<usize>,
    count: usize,
}

impl<R: BufRead> Lines<R> {
    /// What separates the cells is whatever the first line has most of.
    pub(crate) fn new(mut input: R) -> Result<Self, Stop> {
        let delimiter = delimiter(input.fill_buf().map_err(Stop::Io)?);
        let reader = csv_core::ReaderBuilder::new().delimiter(delimiter).build();
        Ok(Self { input, reader, line: vec![], number: 0, bytes: vec![], ends: vec![], count: 0 })
    }

    /// Goes to the next line, and says how many cells it has; `None` at the end.
    pub(crate) fn next(&mut self) -> Result<Option<usize>, Stop> {
        loop {
            self.line.clear();
            self.number += 1;
            if self.input.by_ref().take(LONGEST as u64).read_until(b'\n', &mut self.line).map_err(Stop::Io)? == 0 {
                return Ok(None);
            }
            if self.line.len() == LONGEST {
                return Err(self.malformed("the line is too long for a table"));
            }
            self.line.truncate(self.line.trim_ascii_end().len());
            if !self.line.is_empty() && !self.line.starts_with(b"#") {
                break;
            }
        }
        self.line.push(b'\n');
        self.reader.reset();
        self.bytes.resize(self.line.len(), 0);
        self.ends.resize(self.line.len(), 0);
        let (result, _, _, count) = self.reader.read_record(&self.line, &mut self.bytes, &mut self.ends);
        if result != csv_core::ReadRecordResult::Record {
            return Err(self.malformed("a quote does not end on its line"));
        }
        self.count = count;
        Ok(Some(count))
    }

    /// Which line that is, from 1.
    pub(crate) fn number(&self) -> u64 {
        self.number
    }

    /// A cell without the space around it; nothing where there is none.
    ///
    /// # Errors
    /// It is no UTF-8 text.
    pub(crate) fn cell(&self, cell: usize) -> Result<&str, Stop> {
        std::str::from_utf8(self.bytes_of(cell)).map_err(|_| self.malformed("this is no UTF-8 text"))
    }

    /// All cells.
    ///
    /// # Errors
    /// One is no UTF-8 text.
    pub(crate) fn cells(&self) -> Result<Vec<&str>, Stop> {
        (0..self.count).map(|cell| self.cell(cell)).collect()
    }

    fn bytes_of(&self, cell: usize) -> &[u8] {
        let start = cell.checked_sub(1).and_then(|before| self.ends.get(before)).copied().unwrap_or(0);
        let end = self.ends.get(cell).copied().unwrap_or(start);
        self.bytes.get(start..end).unwrap_or_default().trim_ascii()
    }

    /// Something wrong in this line.
    pub(crate) fn malformed(&self, what: impl Into<String>) -> Stop {
        Stop::Malformed(self.number, what.into())
    }
}

fn delimiter(start: &[u8]) -> u8 {
    let line = start.split(|byte| *byte == b'\n').find(|line| !line.starts_with(b"#")).unwrap_or_default();
    let count = |delimiter: u8| line.iter().filter(|byte| **byte == delimiter).count();
    // Of as many, the last: the comma.
    b"\t;,".iter().copied().max_by_key(|delimiter| count(*delimiter)).unwrap_or(b',')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(text: &str) -> Result<Vec<Vec<String>>, String> {
        let told = |stop| match stop {
            Stop::Io(error) => error.to_string(),
            Stop::Malformed(line, what) => format!("{line}: {what}"),
        };
        let mut lines = Lines::new(text.as_bytes()).map_err(told)?;
        let mut rows = vec![];
        while lines.next().map_err(told)?.is_some() {
            rows.push(lines.cells().map_err(told)?.into_iter().map(str::to_owned).collect());
        }
        Ok(rows)
    }

    #[test]
    fn a_line_is_cut_into_its_cells() {
        for text in ["a,b\n1,2\n", "# x\n\na, b \r\n\"1\",2", "a;b\n1;2\n", "a\tb\n1\t2\n"] {
            assert_eq!(rows(text).expect(text), [["a", "b"], ["1", "2"]], "{text:?}");
        }
        assert_eq!(rows("a,b\n\"1,2\",\n").expect("rows"), [["a", "b"], ["1,2", ""]]);
        assert_eq!(rows("").expect("nothing"), Vec::<Vec<String>>::new());
        assert_eq!(rows("a\n\"b\n").expect_err("a quote"), "2: a quote does not end on its line");
        assert_eq!(
            rows(&format!("a\n{}\n", "b".repeat(70_000))).expect_err("long"),
            "2: the line is too long for a table"
        );
    }
}
