//! Which of its forms a history has.

use std::io::{self, BufRead};

use super::{Entry, HistoryError, json, table};

/// Why reading stopped.
#[derive(Debug)]
pub(crate) enum Stop {
    Io(io::Error),
    /// At this line of what was read.
    Malformed(u64, String),
}

/// Hands over one price after the other, in the order of the file; nothing of it is kept. `file` is its name, for errors.
///
/// # Errors
/// It cannot be read, or something in it is no price. What came before has been handed over.
pub fn read(file: &str, mut input: impl BufRead, each: impl FnMut(Entry<'_>)) -> Result<(), HistoryError> {
    let mut before = 0;
    let form = form(&mut input, &mut before);
    let result = form.and_then(|form| match form {
        Form::Nothing => Ok(()),
        Form::Json => json::read(input, each),
        Form::Table => table::read(input, each),
    });
    result.map_err(|stop| match stop {
        Stop::Io(source) => HistoryError::Unreadable { file: file.to_owned(), source },
        Stop::Malformed(line, what) => HistoryError::Malformed { file: file.to_owned(), line: line + before, what },
    })
}

enum Form {
    Nothing,
    Json,
    Table,
}

/// Looks at the beginning; leaves a byte order mark and empty lines away, and counts those.
fn form(input: &mut impl BufRead, lines: &mut u64) -> Result<Form, Stop> {
    let other = |what: &str| Err(Stop::Malformed(1, what.to_owned()));
    let start = input.fill_buf().map_err(Stop::Io)?;
    match start {
        [0xef, 0xbb, 0xbf, ..] => input.consume(3),
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => return other("the text is UTF-16; write it as UTF-8"),
        [0x1f, 0x8b, ..] => {
            return other("this is compressed; `gunzip -c FILE | spotstack prices --history -` reads it");
        }
        _ => {}
    }
    loop {
        let start = input.fill_buf().map_err(Stop::Io)?;
        let blank = start.iter().take_while(|byte| byte.is_ascii_whitespace()).count();
        *lines += start[..blank].iter().filter(|byte| **byte == b'\n').count() as u64;
        match start.get(blank) {
            Some(b'{' | b'[') => {
                input.consume(blank);
                return Ok(Form::Json);
            }
            Some(_) => {
                input.consume(blank);
                return Ok(Form::Table);
            }
            None if start.is_empty() => return Ok(Form::Nothing),
            None => input.consume(blank),
        }
    }
}
