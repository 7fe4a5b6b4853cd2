//! Links in a terminal (OSC 8), where it shows them.

use std::io::{self, IsTerminal};

use clap::ColorChoice;
use supports_hyperlinks::Stream;

use super::Global;

/// Whether a link is shown as one on standard output; elsewhere its codes would be noise.
pub(super) fn is_shown(global: &Global) -> bool {
    io::stdout().is_terminal() && global.color != ColorChoice::Never && supports_hyperlinks::on(Stream::Stdout)
}

/// Words that lead to a page. <https://gist.github.com/egmontkob/eb114294efbcd5adb1944c9f3cb5feda>
pub(super) fn link(url: &str, words: &str) -> String {
    format!("\x1b]8;;{url}\x1b\\{words}\x1b]8;;\x1b\\")
}
