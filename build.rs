//! Packs the SpotManager's handler so that the command line can carry it.
//!
//! The handler is another program with another profile, so a second cargo builds it, in one target directory of its own:
//! debug, release, clippy, tests and docs all find the same build there, and none waits for a lock that its own cargo holds.
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
    /// How Rust's targets for it begin.
    rust: &'static str,
    /// Its variant in `src/spec`.
    variant: &'static str,
}

const ARCHITECTURES: [Architecture; 2] = [
    Architecture { lambda: "x86_64", rust: "x86_64-", variant: "X86_64" },
    Architecture { lambda: "arm64", rust: "aarch64-", variant: "Arm64" },
];

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
        None => built()?.into_iter().collect(),
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

/// The zip of a handler built here: for the processor of this machine, whatever the command line itself is built for.
fn built() -> Result<Option<(Architecture, Vec<u8>)>> {
    let root = PathBuf::from(variable("CARGO_MANIFEST_DIR")?);
    for source in SOURCES.map(|source| root.join(source)).iter().filter(|source| source.exists()) {
        println!("cargo::rerun-if-changed={}", source.display());
    }
    let host = variable("HOST")?;
    let possible = host.contains("-linux-") && root.join("lambda-handler/Cargo.toml").exists();
    let architecture = ARCHITECTURES.into_iter().find(|architecture| host.starts_with(architecture.rust));
    let Some(architecture) = architecture.filter(|_| possible) else { return Ok(None) };
    let target_dir = env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from).join("handler");
    let content = fs::read(build(&root, &target_dir, &host)?)?;
    let bootstrap = archive::Entry { name: archive::BOOTSTRAP.into(), content, executable: true };
    Ok(Some((architecture, archive::pack(&[bootstrap])?)))
}

/// Runs the second cargo; the program that it made.
fn build(root: &Path, target_dir: &Path, host: &str) -> Result<PathBuf> {
    let mut cargo = Command::new(variable("CARGO")?);
    cargo.current_dir(root).args(["build", "--package", "spotstack-handler", "--bin", "bootstrap"]);
    // `--target` keeps the place of the result, and what the flags apply to, the same whatever a cargo configuration says.
    cargo.args(["--profile", "lambda", "--target", host, "--target-dir"]).arg(target_dir);
    if root.join("Cargo.lock").exists() {
        cargo.arg("--locked");
    }
    for (name, _) in env::vars_os().filter(|(name, _)| name.to_str().is_some_and(belongs_to_the_outer_build)) {
        cargo.env_remove(name);
    }
    cargo.env("CARGO_ENCODED_RUSTFLAGS", without_folders(root, target_dir)).stdout(io::stderr());
    let status = cargo.status()?;
    if !status.success() {
        return Err(format!(
            "the SpotManager's handler was not built ({status}); its errors are above. SPOTSTACK_HANDLER_DIR=<folder> takes prebuilt zips instead"
        )
        .into());
    }
    Ok(target_dir.join(host).join("lambda").join(archive::BOOTSTRAP))
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
