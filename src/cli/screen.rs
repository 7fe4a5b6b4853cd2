//! Where a tree is drawn again and again, on a terminal that somebody may resize meanwhile.

use std::io;
use std::sync::{Mutex, MutexGuard, PoisonError};

use dialoguer::console::Term;
use indicatif::TermLike;

/// A terminal under `indicatif`, which knows how many rows it has drawn and not how many these have become.
///
/// It writes each row over the whole width and the next one right behind it, so that terminals take a tree for one long line and
/// break it anew when their width changes. Then the rows that it takes now are gone back over, and all from there on is cleared.
#[derive(Debug)]
pub(super) struct Screen {
    term: Term,
    drawn: Mutex<Drawn>,
}

/// What is on the screen.
#[derive(Debug, Clone, Copy, Default)]
struct Drawn {
    /// How wide the terminal was.
    width: usize,
    /// Whether all of it is cleared already, and what is to be cleared of it is not there.
    cleared: bool,
}

impl Screen {
    pub(super) fn new() -> Self {
        Self { term: Term::buffered_stderr(), drawn: Mutex::default() }
    }

    fn drawn(&self) -> MutexGuard<'_, Drawn> {
        self.drawn.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn columns(&self) -> usize {
        usize::from(self.term.size().1).max(1)
    }

    /// Notes that what is written from now on is as wide as the terminal is now.
    fn write(&self) {
        *self.drawn() = Drawn { width: self.columns(), cleared: false };
    }
}

/// How many rows a tree takes that was drawn in `rows` of `before` columns, now that there are `now`.
fn broken_anew(rows: usize, before: usize, now: usize) -> usize {
    (rows * before).div_ceil(now.max(1))
}

impl TermLike for Screen {
    fn width(&self) -> u16 {
        self.term.size().1
    }

    fn height(&self) -> u16 {
        self.term.size().0
    }

    fn move_cursor_up(&self, rows: usize) -> io::Result<()> {
        let mut drawn = self.drawn();
        let now = self.columns();
        if drawn.cleared {
            return Ok(());
        }
        if drawn.width == 0 || drawn.width == now {
            return self.term.move_cursor_up(rows);
        }
        drawn.cleared = true;
        self.term.move_cursor_up(broken_anew(rows + 1, drawn.width, now) - 1)?;
        self.term.write_str("\r")?;
        self.term.clear_to_end_of_screen()
    }

    fn move_cursor_down(&self, rows: usize) -> io::Result<()> {
        if self.drawn().cleared { Ok(()) } else { self.term.move_cursor_down(rows) }
    }

    fn move_cursor_right(&self, columns: usize) -> io::Result<()> {
        self.term.move_cursor_right(columns)
    }

    fn move_cursor_left(&self, columns: usize) -> io::Result<()> {
        self.term.move_cursor_left(columns)
    }

    fn write_line(&self, text: &str) -> io::Result<()> {
        self.write();
        self.term.write_line(text)
    }

    fn write_str(&self, text: &str) -> io::Result<()> {
        self.write();
        self.term.write_str(text)
    }

    fn clear_line(&self) -> io::Result<()> {
        if self.drawn().cleared { Ok(()) } else { self.term.clear_line() }
    }

    fn flush(&self) -> io::Result<()> {
        self.term.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::broken_anew;

    #[test]
    fn a_tree_is_one_long_line_to_a_terminal() {
        assert_eq!(broken_anew(10, 80, 60), 14);
        assert_eq!(broken_anew(10, 80, 120), 7);
        assert_eq!(broken_anew(1, 80, 80), 1);
        assert_eq!(broken_anew(1, 80, 0), 80);
    }
}
