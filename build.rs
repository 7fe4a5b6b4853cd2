//! Packs the SpotManager's handler so that the command line can carry it.
//!
//! The handler is another program with another profile, so a second cargo builds it, in one target directory of its own:
//! debug, release, clippy, tests and docs all find the same build there, and none waits for a lock that its own cargo holds.
//! A release carries the handler for the other processor too where the tools for it are there ([`cross`] names them).
//! `SPOTSTACK_HANDLER_DIR` names a folder with prebuilt `bootstrap-x86_64.zip` and `bootstrap-arm64.zip` instead; whichever
//! are there are carried. Elsewhere than on Linux nothing is carried, and `deploy` says how to get a handler.

use std::error::Error;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::{env, fs, io};

#[path = "src/package/archive.rs"]
mod archive;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// A processor that AWS Lambda has.
struct Architecture {
    /// AWS Lambda's word for it.
    lambda: &'static str,
    /// Rust's target for it on Linux.
    target: &'static str,
    /// A C compiler for it, which links as well, by its name in Debian and its kin.
    gcc: &'static str,
    /// Its variant in `src/spec`.
    variant: &'static str,
}

const ARCHITECTURES: [Architecture; 2] = [
    Architecture {
        lambda: "x86_64",
        target: "x86_64-unknown-linux-gnu",
        gcc: "x86_64-linux-gnu-gcc",
        variant: "X86_64",
    },
    Architecture {
        lambda: "arm64",
        target: "aarch64-unknown-linux-gnu",
        gcc: "aarch64-linux-gnu-gcc",
        variant: "Arm64",
    },
];

/// The glibc of Lambda's `provided.al2023`, for linkers that can be told.
const GLIBC: &str = "2.34";

/// What the handler is made of. Folders are looked through whole.
const SOURCES: [&str; 10] = [
    "Cargo.toml",
    "Cargo.lock",
    "build.rs",
    "src/package/archive.rs",
    "lambda-handler/Cargo.toml",
    "lambda-handler/src",
    "lambda-handler/ec2/Cargo.toml",
    "lambda-handler/ec2/src",
    "lambda-handler/policy/Cargo.toml",
    "lambda-handler/policy/src",
];

fn main() -> ExitCode {
    match carry() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Writes `carried.rs`, which the package module includes, and the zips that it includes in turn.
fn carry() -> Result<()> {
    println!("cargo::rerun-if-env-changed=SPOTSTACK_HANDLER_DIR");
    let out = PathBuf::from(variable("OUT_DIR")?);
    let zips = match env::var_os("SPOTSTACK_HANDLER_DIR").filter(|dir| !dir.is_empty()) {
        Some(dir) => prebuilt(Path::new(&dir))?,
        None => built()?,
    };
    let mut carried = String::from("&[\n");
    for (Architecture { lambda, variant, .. }, zip) in zips {
        let name = format!("bootstrap-{lambda}.zip");
        fs::write(out.join(&name), zip)?;
        carried +=
            &format!("    (Architecture::{variant}, include_bytes!(concat!(env!(\"OUT_DIR\"), \"/{name}\"))),\n");
    }
    carried.push(']');
    Ok(fs::write(out.join("carried.rs"), carried)?)
}

/// The zips in a folder.
fn prebuilt(dir: &Path) -> Result<Vec<(Architecture, Vec<u8>)>> {
    println!("cargo::rerun-if-changed={}", dir.display());
    let mut zips = Vec::new();
    for architecture in ARCHITECTURES {
        match fs::read(dir.join(format!("bootstrap-{}.zip", architecture.lambda))) {
            Ok(zip) => zips.push((architecture, zip)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error.into()),
        }
    }
    if zips.is_empty() {
        let dir = dir.display();
        return Err(
            format!("SPOTSTACK_HANDLER_DIR={dir} has neither bootstrap-x86_64.zip nor bootstrap-arm64.zip").into()
        );
    }
    Ok(zips)
}

/// The zips of the handlers built here: for the processor of this machine, whatever the command line itself is built for, and
/// in a release for the other one if it can be built.
fn built() -> Result<Vec<(Architecture, Vec<u8>)>> {
    let root = PathBuf::from(variable("CARGO_MANIFEST_DIR")?);
    for source in SOURCES.map(|source| root.join(source)).iter().filter(|source| source.exists()) {
        println!("cargo::rerun-if-changed={}", source.display());
    }
    let host = variable("HOST")?;
    if !host.contains("-linux-") || !root.join("lambda-handler/Cargo.toml").exists() {
        return Ok(vec![]);
    }
    let target_dir = env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from).join("handler");
    let (processor, release) = (host.split('-').next(), variable("PROFILE")? == "release");
    let mut zips = Vec::new();
    for architecture in ARCHITECTURES {
        if architecture.target.split('-').next() == processor {
            let here = Tools { command: "build", target: host.clone(), environment: vec![] };
            zips.push((architecture, zip(build(&root, &target_dir, &host, &here)?)?));
        } else if release && let Some(tools) = cross(&architecture)? {
            // Without it spotstack is whole: `deploy` says what to do in the one case in which it is missed.
            match build(&root, &target_dir, architecture.target, &tools).and_then(zip) {
                Ok(packed) => zips.push((architecture, packed)),
                Err(error) => println!("cargo::warning=no handler for {} is carried: {error}", architecture.lambda),
            }
        }
    }
    Ok(zips)
}

fn zip(program: PathBuf) -> Result<Vec<u8>> {
    let content = fs::read(program)?;
    Ok(archive::pack(&[archive::Entry { name: archive::BOOTSTRAP.into(), content, executable: true }])?)
}

/// How to build for a processor.
struct Tools {
    /// Cargo's command.
    command: &'static str,
    /// Its `--target`.
    target: String,
    environment: Vec<(String, &'static str)>,
}

/// What builds for another processor than this machine's, if it is here: Rust's standard library for it, and either
/// cargo-zigbuild, which can be told the glibc, or a C compiler for it.
fn cross(architecture: &Architecture) -> Result<Option<Tools>> {
    let Architecture { target, gcc, .. } = *architecture;
    let asked = Command::new(variable("RUSTC")?).args(["--print", "target-libdir", "--target", target]).output()?;
    let library = fs::read_dir(String::from_utf8_lossy(&asked.stdout).trim());
    let is_std =
        |entry: io::Result<fs::DirEntry>| entry.is_ok_and(|it| it.file_name().to_string_lossy().starts_with("libstd"));
    if !library.is_ok_and(|mut files| files.any(is_std)) {
        return Ok(None);
    }
    let answers =
        |program: &str| Command::new(program).arg("--version").output().is_ok_and(|said| said.status.success());
    let underscored = target.replace('-', "_");
    Ok(if answers("cargo-zigbuild") {
        Some(Tools { command: "zigbuild", target: format!("{target}.{GLIBC}"), environment: vec![] })
    } else if answers(gcc) {
        let linker = format!("CARGO_TARGET_{}_LINKER", underscored.to_uppercase());
        let environment = vec![(linker, gcc), (format!("CC_{underscored}"), gcc)];
        Some(Tools { command: "build", target: target.to_owned(), environment })
    } else {
        None
    })
}

/// Runs the second cargo; the program that it made.
fn build(root: &Path, target_dir: &Path, triple: &str, tools: &Tools) -> Result<PathBuf> {
    let mut cargo = Command::new(variable("CARGO")?);
    cargo.current_dir(root).args([tools.command, "--package", "spotstack-handler", "--bin", "bootstrap"]);
    // `--target` keeps the place of the result, and what the flags apply to, the same whatever a cargo configuration says.
    cargo.args(["--profile", "lambda", "--target", &tools.target, "--target-dir"]).arg(target_dir);
    if root.join("Cargo.lock").exists() {
        cargo.arg("--locked");
    }
    for (name, _) in env::vars_os().filter(|(name, _)| name.to_str().is_some_and(belongs_to_the_outer_build)) {
        cargo.env_remove(name);
    }
    cargo.envs(tools.environment.iter().map(|(name, value)| (name, value)));
    cargo.env("CARGO_ENCODED_RUSTFLAGS", without_folders(root, target_dir)).stdout(io::stderr());
    let status = cargo.status()?;
    if !status.success() {
        return Err(format!(
            "the SpotManager's handler was not built ({status}); its errors are above. SPOTSTACK_HANDLER_DIR=<folder> takes prebuilt zips instead"
        )
        .into());
    }
    Ok(target_dir.join(triple).join("lambda").join(archive::BOOTSTRAP))
}

/// What would make the handler depend on how the command line is built. What says where cargo keeps and fetches things stays,
/// and so do the jobserver, the compiler and the linkers.
fn belongs_to_the_outer_build(name: &str) -> bool {
    const KEPT: [&str; 7] = [
        "CARGO_HOME",
        "CARGO_MAKEFLAGS",
        "CARGO_NET_",
        "CARGO_HTTP_",
        "CARGO_REGISTRY_",
        "CARGO_REGISTRIES_",
        "CARGO_SOURCE_",
    ];
    match name {
        "RUSTFLAGS" | "RUSTDOCFLAGS" | "RUSTC_WRAPPER" | "RUSTC_WORKSPACE_WRAPPER" | "RUSTC_LINKER" => true,
        "OUT_DIR" | "TARGET" | "HOST" | "PROFILE" | "OPT_LEVEL" | "DEBUG" | "NUM_JOBS" => true,
        _ if name.starts_with("CARGO_TARGET_") => !name.ends_with("_LINKER"),
        _ => name.starts_with("CARGO_") && !KEPT.iter().any(|kept| name.starts_with(kept)),
    }
}

/// Compiler flags that keep this machine's folders out of the program, and nothing else.
fn without_folders(root: &Path, target_dir: &Path) -> OsString {
    let home = env::var_os("CARGO_HOME").map(PathBuf::from).or_else(|| Some(env::home_dir()?.join(".cargo")));
    let mut folders = vec![(root, "/spotstack"), (target_dir, "/target")];
    folders.extend(home.as_deref().map(|home| (home, "/cargo")));
    // Of two that fit the last one wins; any of these may lie in another one.
    folders.sort_by_key(|(folder, _)| folder.as_os_str().len());
    let mut flags = OsString::new();
    for (folder, name) in folders {
        if !flags.is_empty() {
            flags.push("\u{1f}");
        }
        flags.push("--remap-path-prefix=");
        flags.push(folder);
        flags.push("=");
        flags.push(name);
    }
    flags
}

fn variable(name: &str) -> Result<String> {
    env::var(name).map_err(|_| format!("cargo did not set {name}").into())
}
