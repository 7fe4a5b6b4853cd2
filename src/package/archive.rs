//! The zip that AWS Lambda unpacks: the same files make the same bytes, on every machine. `build.rs` includes this file too.

use std::io::{Cursor, Write};

use zip::result::ZipResult;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, System, ZipWriter};

/// What AWS Lambda starts in a zip for `provided.al2023`.
pub(crate) const BOOTSTRAP: &str = "bootstrap";

/// A file in the zip.
pub(crate) struct Entry {
    /// Its path in the zip, with `/`.
    pub(crate) name: String,
    /// Its bytes.
    pub(crate) content: Vec<u8>,
    /// Whether it is a program.
    pub(crate) executable: bool,
}

/// A zip of these files in this order. Nothing else goes in: no clock, no owner, no folder of this machine.
pub(crate) fn pack(entries: &[Entry]) -> ZipResult<Vec<u8>> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for entry in entries {
        // DEFAULT has the first moment that a zip can name, 1980-01-01; `default()` may have this one.
        let options = SimpleFileOptions::DEFAULT
            .compression_method(CompressionMethod::Deflated)
            .compression_level(Some(9))
            .system(System::Unix)
            .unix_permissions(if entry.executable { 0o755 } else { 0o644 });
        zip.start_file(entry.name.as_str(), options)?;
        zip.write_all(&entry.content)?;
    }
    Ok(zip.finish()?.into_inner())
}
