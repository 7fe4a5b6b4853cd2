//! Recorded capacity and recorded jobs: tables that are read line by line.

use std::io::BufRead;

use miette::Diagnostic;

use super::jobs::{Arrival, MOST_JOBS};
use super::series::Series;
use crate::history::{Lines, Stop};

/// What is wrong with a trace, and where.
#[derive(Debug, thiserror::Error, Diagnostic)]
#[error("{file}:{line}: {what}")]
pub struct TraceError {
    /// The file's name.
    pub file: String,
    /// The line, from 1.
    pub line: u64,
    /// What is wrong there.
    pub what: String,
    /// How it should look.
    #[help]
    pub help: &'static str,
}

const CAPACITY: &str = "a capacity trace is a table: `seconds` and a column for each zone, in which 1 says that Spot is to be \
                        had from then on, and 0 that it is not";
const JOBS: &str = "a trace of jobs is a table: `seconds` from the beginning, and, if there are such columns, how many `jobs` \
                    came and how many seconds of `service` each takes";

/// Where Spot was to be had.
#[derive(Debug, Clone, PartialEq)]
pub struct Capacity {
    /// The zones, in the order of the file.
    pub zones: Vec<String>,
    /// What each had, in seconds from the beginning of the trace.
    pub series: Series<bool>,
    /// How long the trace is: to its last line, and as long as a line usually holds.
    pub duration: i64,
}

/// Reads where Spot was to be had. A line holds until the next one; lines may come in any order.
///
/// # Errors
///
/// It cannot be read, or a line is not what it should be.
pub fn capacity(file: &str, input: impl BufRead) -> Result<Capacity, TraceError> {
    let mut table = Table::new(file, input, CAPACITY)?;
    let seconds = table.column("seconds").ok_or_else(|| table.wrong(1, "there is no column `seconds`".into()))?;
    let zones: Vec<(usize, String)> =
        table.header.iter().cloned().enumerate().filter(|(column, _)| *column != seconds).collect();
    match zones.len() {
        0 => return Err(table.wrong(1, "there is no column of a zone".into())),
        1..=MOST_ZONES => {}
        count => return Err(table.wrong(1, format!("{count} zones are more than a Region has"))),
    }
    let mut series = Series::new(zones.len());
    let (mut first, mut last, mut lines) = (i64::MAX, i64::MIN, 0_i64);
    while let Some(line) = table.next()? {
        let at = table.seconds(seconds, line)?;
        (first, last, lines) = (first.min(at), last.max(at), lines + 1);
        for (zone, (column, _)) in zones.iter().enumerate() {
            let value: f64 = table.number(*column, line)?;
            if !(0.0..f64::INFINITY).contains(&value) {
                return Err(
                    table.wrong(line, format!("`{value}` says neither that there is Spot nor that there is none"))
                );
            }
            series.push(zone, at, value > 0.0);
        }
    }
    if lines == 0 {
        return Err(table.wrong(1, "it holds no line but its header".into()));
    }
    series.sort(|a, b| a && b);
    let step = if lines > 1 { (last - first) / (lines - 1) } else { 0 };
    series.shift(-first);
    Ok(Capacity { zones: zones.into_iter().map(|(_, name)| name).collect(), series, duration: last - first + step })
}

/// No Region has more zones than this.
pub(super) const MOST_ZONES: usize = 64;

/// Reads which jobs came, in seconds from the beginning; in order, also where the file is not.
///
/// # Errors
///
/// It cannot be read, or a line is not what it should be.
pub fn jobs(file: &str, input: impl BufRead) -> Result<Vec<Arrival>, TraceError> {
    let mut table = Table::new(file, input, JOBS)?;
    let seconds = table.column("seconds").ok_or_else(|| table.wrong(1, "there is no column `seconds`".into()))?;
    let (count, service) = (table.column("jobs"), table.column("service"));
    if let Some(unknown) = (0..table.header.len()).find(|&it| it != seconds && Some(it) != count && Some(it) != service)
    {
        let name = &table.header[unknown];
        return Err(table.wrong(1, format!("there is a column `{name}`, and it is not known what it means")));
    }
    let (mut jobs, mut all): (Vec<Arrival>, u64) = (Vec::new(), 0);
    while let Some(line) = table.next()? {
        let at = table.seconds(seconds, line)?;
        if at < 0 {
            return Err(table.wrong(line, format!("{at} seconds are before the beginning")));
        }
        let count: u32 = count.map_or(Ok(1), |column| table.number(column, line))?;
        // A line of none takes its place in the memory, too.
        all += u64::from(count.max(1));
        if all > MOST_JOBS {
            return Err(
                table.wrong(line, format!("these are more than {MOST_JOBS} jobs, which is the most that is simulated"))
            );
        }
        let service = match service {
            Some(column) if !table.cell(column)?.is_empty() => Some(table.number::<u32>(column, line)?),
            _ => None,
        };
        if service == Some(0) {
            return Err(table.wrong(line, "a job takes at least a second".into()));
        }
        jobs.push(Arrival { at, jobs: count, service });
    }
    if jobs.is_empty() {
        return Err(table.wrong(1, "it holds no job".into()));
    }
    jobs.sort_by_key(|arrival| arrival.at);
    Ok(jobs)
}

/// In seconds since 1970.
const END_OF_9999: u64 = 253_402_300_799;

/// A table with a header, one line at a time.
struct Table<'a, R> {
    file: &'a str,
    lines: Lines<R>,
    header: Vec<String>,
    help: &'static str,
}

impl<'a, R: BufRead> Table<'a, R> {
    fn new(file: &'a str, input: R, help: &'static str) -> Result<Self, TraceError> {
        let stopped = |stop| told(file, 1, stop, help);
        let mut lines = Lines::new(input).map_err(stopped)?;
        let first = lines.next().map_err(|stop| told(file, lines.number(), stop, help))?;
        let header = lines.cells().map_err(stopped)?;
        let header = header.iter().map(|cell| cell.trim_start_matches('\u{feff}').trim().to_owned()).collect();
        let table = Self { file, lines, header, help };
        if first.is_none() {
            return Err(table.wrong(1, "it is empty".into()));
        }
        Ok(table)
    }

    fn column(&self, name: &str) -> Option<usize> {
        self.header.iter().position(|it| it.eq_ignore_ascii_case(name))
    }

    /// Goes to the next line that says something, and says which one that is.
    fn next(&mut self) -> Result<Option<u64>, TraceError> {
        let count = self.lines.next().map_err(|stop| self.stopped(stop))?;
        let (line, expected) = (self.lines.number(), self.header.len());
        match count {
            None => Ok(None),
            Some(count) if count != expected => {
                Err(self.wrong(line, format!("this line has {count} columns, and the header {expected}")))
            }
            Some(_) => Ok(Some(line)),
        }
    }

    fn cell(&self, column: usize) -> Result<&str, TraceError> {
        self.lines.cell(column).map_err(|stop| self.stopped(stop))
    }

    fn number<T: std::str::FromStr>(&self, column: usize, line: u64) -> Result<T, TraceError> {
        let text = self.cell(column)?;
        text.parse().map_err(|_| {
            let shown: String = text.chars().take(40).collect();
            self.wrong(line, format!("`{}` is `{shown}`, which is no number that can be meant", self.header[column]))
        })
    }

    /// A number of seconds, since whenever: within the time that calendars have.
    fn seconds(&self, column: usize, line: u64) -> Result<i64, TraceError> {
        let seconds: i64 = self.number(column, line)?;
        if seconds.unsigned_abs() > END_OF_9999 {
            return Err(self.wrong(line, format!("{seconds} seconds are thousands of years; are they milliseconds?")));
        }
        Ok(seconds)
    }

    fn wrong(&self, line: u64, what: String) -> TraceError {
        TraceError { file: self.file.to_owned(), line, what, help: self.help }
    }

    fn stopped(&self, stop: Stop) -> TraceError {
        told(self.file, self.lines.number(), stop, self.help)
    }
}

/// Why a table ends before its end.
fn told(file: &str, line: u64, stop: Stop, help: &'static str) -> TraceError {
    let (line, what) = match stop {
        Stop::Io(error) => (line, format!("it cannot be read: {error}")),
        Stop::Malformed(line, what) => (line, what),
    };
    TraceError { file: file.to_owned(), line, what, help }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn capacity_holds_from_line_to_line() {
        let text = "seconds,b,a\n100,1,0\n300,0,1\n200,1,0\n# a remark\n";
        let capacity = capacity("c.csv", text.as_bytes()).expect("a trace");
        assert_eq!(capacity.zones, ["b", "a"]);
        assert_eq!(capacity.series.of(0), [(0, true), (200, false)]);
        assert_eq!((capacity.series.at(1, 199), capacity.series.at(1, 200)), (Some(false), Some(true)));
        assert_eq!(capacity.duration, 300);
    }

    #[test]
    fn jobs_come_in_order() {
        let text = "\u{feff}Seconds, jobs ,service\n60,2,\n0,1,30\n";
        let jobs = jobs("j.csv", text.as_bytes()).expect("a trace");
        let expected = [Arrival { at: 0, jobs: 1, service: Some(30) }, Arrival { at: 60, jobs: 2, service: None }];
        assert_eq!(jobs, expected);
    }

    #[test]
    fn what_is_wrong_is_said_with_its_line() {
        let error = |text: &str| capacity("c.csv", text.as_bytes()).expect_err(text).to_string();
        for (text, expected) in [
            ("", "c.csv:1: it is empty"),
            ("seconds\n0\n", "c.csv:1: there is no column of a zone"),
            ("time,a\n0,1\n", "c.csv:1: there is no column `seconds`"),
            ("seconds,a\n", "c.csv:1: it holds no line but its header"),
            ("seconds,a\n0,1\n60\n", "c.csv:3: this line has 1 columns, and the header 2"),
            ("seconds,a\n0,1\n\n60,yes\n", "c.csv:4: `a` is `yes`, which is no number that can be meant"),
            (
                "seconds,a\n0,1\n9223372036854775807,1\n",
                "c.csv:3: 9223372036854775807 seconds are thousands of years; are they milliseconds?",
            ),
            (
                "seconds,a\n-9223372036854775808,1\n0,1\n",
                "c.csv:2: -9223372036854775808 seconds are thousands of years; are they milliseconds?",
            ),
            ("seconds,a\n0,-1\n", "c.csv:2: `-1` says neither that there is Spot nor that there is none"),
            (
                "seconds,a\n99999999999999999999,1\n",
                "c.csv:2: `seconds` is `99999999999999999999`, which is no number that can be meant",
            ),
        ] {
            assert_eq!(error(text), expected);
        }
        let error = |text: &str| jobs("j.csv", text.as_bytes()).expect_err(text).to_string();
        for (text, expected) in [
            ("seconds,size\n0,1\n", "j.csv:1: there is a column `size`, and it is not known what it means"),
            ("seconds\n-5\n", "j.csv:2: -5 seconds are before the beginning"),
            ("seconds,service\n5,0\n", "j.csv:2: a job takes at least a second"),
            ("seconds,jobs\n5,1.5\n", "j.csv:2: `jobs` is `1.5`, which is no number that can be meant"),
            ("seconds\n", "j.csv:1: it holds no job"),
            (
                "seconds\n1700000000000\n",
                "j.csv:2: 1700000000000 seconds are thousands of years; are they milliseconds?",
            ),
            (
                "seconds,jobs\n0,9999999\n1,4000000000\n",
                "j.csv:3: these are more than 10000000 jobs, which is the most that is simulated",
            ),
        ] {
            assert_eq!(error(text), expected);
        }
        let binary = capacity("c.csv", &b"seconds,a\n0,\xff\n"[..]).expect_err("binary").to_string();
        assert_eq!(binary, "c.csv:2: this is no UTF-8 text");
    }
}
