//! Writes the traces of this folder anew: `cargo run --example traces`. What they are like is in README.md beside them.

use std::fs;
use std::path::Path;

fn main() -> std::io::Result<()> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/traces");
    spotstack::simulate::synthetic::traces().into_iter().try_for_each(|(file, text)| fs::write(folder.join(file), text))
}
