//! What is written for people names files that are there.

use std::fs;
use std::path::Path;

const DOCUMENTS: [&str; 10] = [
    "README.md",
    "CONTRIBUTING.md",
    "SECURITY.md",
    "CHANGELOG.md",
    "blueprints/README.md",
    "lambda-handler/README.md",
    "tests/local-aws/README.md",
    "examples/README.md",
    "examples/traces/README.md",
    "src/lib.rs",
];

const FOLDERS: [&str; 7] = [".ci", ".github", "blueprints", "examples", "lambda-handler", "src", "tests"];

/// A path from the root, as such or as a link says it; not a glob, and without what follows it on a command line.
fn paths(document: &str) -> impl Iterator<Item = &str> {
    let quoted = document.split('`').skip(1).step_by(2);
    let linked = document.split("](").skip(1).filter_map(|rest| rest.split([')', '#']).next());
    let within =
        |path: &&str| FOLDERS.iter().any(|folder| path.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/')));
    quoted
        .chain(linked)
        .map(|path| path.strip_prefix("./").unwrap_or(path))
        .filter(within)
        .map(|path| path.split(' ').next().unwrap_or(path))
        .filter(|path| !path.contains(['*', '<', '{']))
}

#[test]
fn every_path_that_is_named_is_there() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = 0;
    for document in DOCUMENTS {
        let text = fs::read_to_string(root.join(document)).unwrap_or_else(|error| panic!("{document}: {error}"));
        for path in paths(&text) {
            found += 1;
            assert!(root.join(path).exists(), "{document} names `{path}`, which is not there");
        }
    }
    assert!(found > 50, "only {found} paths were found: they are written otherwise now");
}
