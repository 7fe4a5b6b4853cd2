//! The SpotManager's handler as AWS Lambda takes it: a zip, its hash and its key.
//!
//! The command line carries zips that `build.rs` made. They are read only by the commands that need them.

use std::borrow::Cow;
use std::io::{Cursor, Read};
use std::path::{Path, PathBuf};
use std::{fs, io};

use sha2::{Digest, Sha256};
use zip::ZipArchive;
use zip::result::ZipError;

use crate::spec::Architecture;
use archive::{BOOTSTRAP, Entry};

mod archive;
mod elf;

/// Whichever handlers `build.rs` had.
static CARRIED: &[(Architecture, &[u8])] = include!(concat!(env!("OUT_DIR"), "/carried.rs"));

/// What AWS Lambda takes unzipped, in bytes: <https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html>
const UNZIPPED: u64 = 250 << 20;

/// A handler's zip.
#[derive(Debug, Clone)]
pub struct Package {
    /// What it runs on.
    pub architecture: Architecture,
    /// The zip.
    pub bytes: Cow<'static, [u8]>,
    sha256: [u8; 32],
}

/// Why there is no handler to deploy.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum PackageError {
    /// This command line was built without one.
    #[error("this spotstack carries no handler for {0}")]
    #[diagnostic(help(
        "a release carries one, see {releases}; or give `--handler` what `cargo build -p spotstack-handler --bin bootstrap --profile lambda` makes on Linux with that processor; or let the spec's `manager: architecture` name one that is carried{carried}",
        releases = concat!(env!("CARGO_PKG_REPOSITORY"), "/releases"),
        carried = carried_words()
    ))]
    NotCarried(Architecture),
    /// The file cannot be read.
    #[error("the handler {} cannot be read: {cause}", path.display())]
    Unreadable {
        /// `--handler`.
        path: PathBuf,
        /// Why.
        cause: io::Error,
    },
    /// The file is no zip that we can read.
    #[error("the handler {} is a broken zip: {cause}", path.display())]
    BrokenZip {
        /// `--handler`.
        path: PathBuf,
        /// Why.
        cause: ZipError,
    },
    /// A zip without the program that AWS Lambda starts.
    #[error("the handler {} has no file `bootstrap` at its top, so AWS Lambda would find nothing to start", path.display())]
    #[diagnostic(help(
        "zip the program under the name `bootstrap`, without a folder; or give the program itself to `--handler`"
    ))]
    NoBootstrap {
        /// `--handler`.
        path: PathBuf,
    },
    /// Neither a zip nor a program for Linux.
    #[error("the handler {} is neither a zip nor a program for Linux", path.display())]
    #[diagnostic(help(
        "AWS Lambda runs Linux: build the handler there, or cross-compile it, for example with `cargo zigbuild`"
    ))]
    NotForLinux {
        /// `--handler`.
        path: PathBuf,
    },
    /// A program for another processor.
    #[error("the handler {} is built for {found}, and the spec says `architecture: {wanted}`", path.display())]
    #[diagnostic(help("build it for {wanted}, or change `manager: architecture` in the spec"))]
    OtherArchitecture {
        /// `--handler`.
        path: PathBuf,
        /// What it is built for.
        found: String,
        /// What the spec says.
        wanted: Architecture,
    },
    /// A program that AWS Lambda's system is too old for.
    #[error("the handler {} needs glibc {}.{}, and AWS Lambda's provided.al2023 has {}.{}", path.display(), glibc.0, glibc.1, elf::LAMBDA_GLIBC.0, elf::LAMBDA_GLIBC.1)]
    #[diagnostic(help(
        "build it on an older Linux, or with `cargo zigbuild --target x86_64-unknown-linux-gnu.2.34` (or aarch64)"
    ))]
    TooNewGlibc {
        /// `--handler`.
        path: PathBuf,
        /// What it needs.
        glibc: (u32, u32),
    },
    /// More than AWS Lambda takes.
    #[error("the handler {} is larger than the 250 MB that AWS Lambda takes unzipped", path.display())]
    TooLarge {
        /// `--handler`.
        path: PathBuf,
    },
}

/// The processors that a handler is carried for.
pub fn carried_architectures() -> impl Iterator<Item = Architecture> {
    CARRIED.iter().map(|(architecture, _)| *architecture)
}

/// Every handler that this command line carries.
pub fn carried() -> impl Iterator<Item = Package> {
    CARRIED.iter().map(|(architecture, bytes)| Package::new(*architecture, Cow::Borrowed(bytes)))
}

fn carried_words() -> String {
    let names: Vec<_> = CARRIED.iter().map(|(architecture, _)| architecture.to_string()).collect();
    if names.is_empty() { " (none is)".into() } else { format!(": {}", names.join(", ")) }
}

impl Package {
    /// The handler that this command line carries for a processor.
    ///
    /// # Errors
    /// None is carried.
    pub fn carried(architecture: Architecture) -> Result<Self, PackageError> {
        let (_, bytes) = CARRIED
            .iter()
            .find(|(carried, _)| *carried == architecture)
            .ok_or(PackageError::NotCarried(architecture))?;
        Ok(Self::new(architecture, Cow::Borrowed(bytes)))
    }

    /// The handler in a file: a zip, or the bare program.
    ///
    /// A zip is packed anew, so that the same content is the same key whoever zipped it, and `bootstrap` can be started.
    ///
    /// # Errors
    /// The file is not there, or not what AWS Lambda can start on this processor.
    pub fn from_file(path: &Path, architecture: Architecture) -> Result<Self, PackageError> {
        let bytes = fs::read(path).map_err(|cause| PackageError::Unreadable { path: path.into(), cause })?;
        let broken = |cause| PackageError::BrokenZip { path: path.into(), cause };
        let entries = if bytes.starts_with(b"PK") {
            unpack(&bytes).map_err(broken)?.ok_or_else(|| PackageError::TooLarge { path: path.into() })?
        } else if elf::read(&bytes).is_some() {
            vec![Entry { name: BOOTSTRAP.into(), content: bytes, executable: true }]
        } else {
            return Err(PackageError::NotForLinux { path: path.into() });
        };
        let bootstrap = entries
            .iter()
            .find(|entry| entry.name == BOOTSTRAP)
            .ok_or_else(|| PackageError::NoBootstrap { path: path.into() })?;
        check(path, &bootstrap.content, architecture)?;
        Ok(Self::new(architecture, Cow::Owned(archive::pack(&entries).map_err(broken)?)))
    }

    pub(crate) fn new(architecture: Architecture, bytes: Cow<'static, [u8]>) -> Self {
        let sha256 = Sha256::digest(&bytes).into();
        Self { architecture, bytes, sha256 }
    }

    /// Whether AWS Lambda can start it; asked of a carried one before it is deployed, because it was built who knows where.
    ///
    /// # Errors
    /// It cannot.
    pub fn check(&self) -> Result<(), PackageError> {
        let path = Path::new("that this spotstack carries");
        let broken = |cause| PackageError::BrokenZip { path: path.into(), cause };
        let entries = unpack(&self.bytes).map_err(broken)?.unwrap_or_default();
        let bootstrap = entries.iter().find(|entry| entry.name == BOOTSTRAP);
        let bootstrap = bootstrap.ok_or_else(|| PackageError::NoBootstrap { path: path.into() })?;
        check(path, &bootstrap.content, self.architecture)
    }

    /// The hash of the zip, in hexadecimal.
    pub fn sha256(&self) -> String {
        hex(&self.sha256)
    }

    /// The hash of the zip as AWS writes it, in base64: a function's `CodeSha256`, S3's `ChecksumSHA256`.
    pub fn code_sha256(&self) -> String {
        aws_smithy_types::base64::encode(self.sha256)
    }

    /// Where it lies in the artifact bucket. Other content is another key, so an object is never overwritten, and CloudFormation
    /// sees a change of the code as a change.
    pub fn key(&self) -> String {
        format!("spotstack/handler/{}/{}.zip", self.architecture, self.sha256())
    }
}

/// Bytes in hexadecimal.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Whether AWS Lambda can start a program; a script, which some runtimes have as their bootstrap, runs on both processors.
fn check(path: &Path, bootstrap: &[u8], wanted: Architecture) -> Result<(), PackageError> {
    if bootstrap.starts_with(b"#!") {
        return Ok(());
    }
    let elf = elf::read(bootstrap).ok_or_else(|| PackageError::NotForLinux { path: path.into() })?;
    if elf.architecture != Some(wanted) {
        let found = elf.architecture.map_or_else(|| "another processor".into(), |found| found.to_string());
        return Err(PackageError::OtherArchitecture { path: path.into(), found, wanted });
    }
    match elf.glibc {
        Some(glibc) if glibc > elf::LAMBDA_GLIBC => Err(PackageError::TooNewGlibc { path: path.into(), glibc }),
        _ => Ok(()),
    }
}

/// The files of a zip, in the order of their names; `None` if they are more than AWS Lambda takes.
fn unpack(bytes: &[u8]) -> Result<Option<Vec<Entry>>, ZipError> {
    let mut zip = ZipArchive::new(Cursor::new(bytes))?;
    let (mut entries, mut left) = (Vec::new(), UNZIPPED);
    for index in 0..zip.len() {
        let mut file = zip.by_index(index)?;
        if file.is_dir() {
            continue;
        }
        let name = file.name()?.trim_start_matches("./").to_owned();
        let executable = name == BOOTSTRAP || file.unix_mode().is_some_and(|mode| mode & 0o111 != 0);
        let mut content = Vec::new();
        // The sizes in a zip are claims; what counts is what comes out.
        file.by_ref().take(left + 1).read_to_end(&mut content)?;
        match left.checked_sub(content.len() as u64) {
            Some(rest) => left = rest,
            None => return Ok(None),
        }
        entries.push(Entry { name, content, executable });
    }
    entries.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(Some(entries))
}

#[cfg(test)]
mod tests {
    use super::*;

    const X86_64: u16 = 62;
    const AARCH64: u16 = 183;

    fn entry(name: &str, content: &[u8]) -> Entry {
        Entry { name: name.into(), content: content.into(), executable: false }
    }

    fn file(content: &[u8]) -> tempfile::NamedTempFile {
        let file = tempfile::NamedTempFile::new().expect("a temporary file");
        fs::write(file.path(), content).expect("written");
        file
    }

    fn read(content: &[u8]) -> Result<Package, PackageError> {
        Package::from_file(file(content).path(), Architecture::X86_64)
    }

    #[test]
    fn the_zip_is_the_same_bytes_every_time_and_has_one_program() {
        let pack =
            || archive::pack(&[Entry { name: BOOTSTRAP.into(), content: b"program".repeat(99), executable: true }]);
        let zip = pack().expect("packed");
        assert_eq!(zip, pack().expect("packed"));
        // Pinned: a change of these bytes would make every user's next deploy an update of the function.
        assert_eq!(hex(&Sha256::digest(&zip)), "635f5660ea7e17439655fe93381176cf5fcb5b29a73a1984043e7713fcab2aba");

        let mut zip = ZipArchive::new(Cursor::new(zip)).expect("a zip");
        assert_eq!(names(&zip), [BOOTSTRAP]);
        let file = zip.by_index(0).expect("an entry");
        assert_eq!(file.unix_mode(), Some(0o100_755));
        assert_eq!(file.last_modified().map(|at| (at.year(), at.month(), at.day(), at.hour())), Some((1980, 1, 1, 0)));
        assert_eq!(file.extra_data().unwrap_or_default(), b"");
    }

    fn names<R: Read + io::Seek>(zip: &ZipArchive<R>) -> Vec<String> {
        zip.file_names().map(|name| name.expect("UTF-8").into_owned()).collect()
    }

    #[test]
    fn hash_and_key_follow_the_bytes() {
        let package = Package::new(Architecture::Arm64, Cow::Borrowed(b"abc"));
        let sha256 = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(package.sha256(), sha256);
        assert_eq!(package.code_sha256(), "ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=");
        assert_eq!(package.key(), format!("spotstack/handler/arm64/{sha256}.zip"));
    }

    #[test]
    fn a_program_and_any_zip_of_it_are_the_same_package() {
        let program = elf::tests::program(2, X86_64, b"\0GLIBC_2.34\0");
        let bare = read(&program).expect("a program");
        let zipped = archive::pack(&[entry("./bootstrap", &program)]).expect("packed");
        assert_eq!(read(&zipped).expect("a zip").sha256(), bare.sha256());
        let mut zip = ZipArchive::new(Cursor::new(bare.bytes)).expect("a zip");
        assert_eq!(zip.by_name(BOOTSTRAP).expect("the program").unix_mode(), Some(0o100_755));
    }

    #[test]
    fn other_files_of_a_zip_stay() {
        let program = elf::tests::program(2, X86_64, b"");
        let zipped = archive::pack(&[entry("lib/helper.so", b"x"), entry(BOOTSTRAP, &program)]).expect("packed");
        let zip = ZipArchive::new(Cursor::new(read(&zipped).expect("a zip").bytes)).expect("a zip");
        assert_eq!(names(&zip), [BOOTSTRAP, "lib/helper.so"]);
    }

    #[test]
    fn what_lambda_could_not_start_is_refused_with_the_reason() {
        let zipped = |name: &str, content: &[u8]| archive::pack(&[entry(name, content)]).expect("packed");
        for (content, reason) in [
            (elf::tests::program(2, AARCH64, b""), "is built for arm64, and the spec says `architecture: x86_64`"),
            (elf::tests::program(2, 243, b""), "is built for another processor"),
            (
                elf::tests::program(2, X86_64, b"\0GLIBC_2.38\0"),
                "needs glibc 2.38, and AWS Lambda's provided.al2023 has 2.34",
            ),
            (b"\xcf\xfa\xed\xfe\x07\x00\x00\x01 a program for a Mac".to_vec(), "neither a zip nor a program for Linux"),
            (b"".to_vec(), "neither a zip nor a program for Linux"),
            (b"PK\x03\x04 and no more".to_vec(), "is a broken zip"),
            (zipped("target/bootstrap", b"x"), "has no file `bootstrap` at its top"),
            (zipped(BOOTSTRAP, &elf::tests::program(2, AARCH64, b"")), "is built for arm64"),
            (zipped(BOOTSTRAP, b"text"), "neither a zip nor a program for Linux"),
        ] {
            let error = read(&content).expect_err(reason).to_string();
            assert!(error.contains(reason), "{error}");
        }
        let missing = Package::from_file(Path::new("no/such/file"), Architecture::X86_64);
        assert!(matches!(missing, Err(PackageError::Unreadable { .. })));
    }
}
