//! A throwaway project: a folder with a spec and a worker script, and the binary run in it.

use std::fs;
use std::path::{MAIN_SEPARATOR, Path, PathBuf};
use std::process::{Command, Output};

use tempfile::TempDir;

/// The root of the repository.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A spec that is right, to be made wrong.
pub(crate) const SPEC: &str = "\
stack: media-workers
network:
  subnets: [subnet-0a1b2c3d4e5f60001]
  security_groups: [sg-0a1b2c3d4e5f60001]
pairs:
  gpu:
    queue:
      name: render-jobs
    launch:
      instance_type: g5.2xlarge
      image: ami-0123456789abcdef0
      user_data: worker.sh
    spot:
      max_price: 0.55
    workers:
      max: 4
";

pub(crate) struct Project {
    dir: TempDir,
}

impl Project {
    /// An empty folder.
    pub(crate) fn empty() -> Self {
        Self { dir: tempfile::tempdir().expect("a temporary folder") }
    }

    /// A folder with this spec and a worker script.
    pub(crate) fn with(spec: impl AsRef<[u8]>) -> Self {
        Self::empty().file("spotstack.yaml", spec).file("worker.sh", "#!/bin/bash\necho working\n")
    }

    pub(crate) fn file(self, name: &str, content: impl AsRef<[u8]>) -> Self {
        fs::write(self.path(name), content).expect("a file is written");
        self
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub(crate) fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).expect("a file is read")
    }

    /// `spotstack` here, with nothing of this machine's AWS configuration.
    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_spotstack"));
        command.args(args).current_dir(self.dir.path()).env_clear().env("HOME", self.dir.path());
        command.env("AWS_EC2_METADATA_DISABLED", "true");
        command
    }

    /// Runs it.
    pub(crate) fn run(&self, args: &[&str]) -> Ran {
        Ran::of(self.command(args).output().expect("spotstack runs"))
    }
}

/// What a run left.
pub(crate) struct Ran(Output);

impl Ran {
    /// What another command left.
    pub(crate) fn of(output: Output) -> Self {
        Self(output)
    }

    #[track_caller]
    pub(crate) fn exits(self, code: i32) -> Self {
        assert_eq!(self.0.status.code(), Some(code), "stderr:\n{}", self.stderr());
        self
    }

    pub(crate) fn stdout(&self) -> String {
        String::from_utf8(self.0.stdout.clone()).expect("UTF-8")
    }

    pub(crate) fn stderr(&self) -> String {
        String::from_utf8_lossy(&self.0.stderr).into_owned()
    }

    /// Standard error holds each of these.
    #[track_caller]
    pub(crate) fn says(self, parts: &[&str]) -> Self {
        // A report is folded to the terminal's width: compared without its line breaks and rules.
        // A path has the separators of the machine.
        let folded = |text: &str| {
            let text = text.replace('│', " ").replace(MAIN_SEPARATOR, "/");
            text.split_whitespace().collect::<Vec<_>>().join(" ")
        };
        let stderr = folded(&self.stderr());
        for part in parts {
            assert!(stderr.contains(&folded(part)), "`{part}` is not in:\n{}", self.stderr());
        }
        self
    }
}
