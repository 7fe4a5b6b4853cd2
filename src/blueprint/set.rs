//! The blueprints that a template is rendered from: the built-in ones, and a user's folder laid over them file by file.

use std::borrow::Cow;
use std::fs;
use std::io;
use std::path::Path;

use super::conventions;
use super::error::BlueprintError;
use crate::spec::nearest;

/// The one that is not a part of a template: see [`crate::deployer_policy`].
pub(crate) const DEPLOYER_POLICY: &str = "deployer-policy.yaml";

/// The head of a template, rendered once.
pub(super) const STACK: &str = "stack.yaml";

/// What the launch definitions show in place of `user_data`.
pub(super) const USER_DATA: &str = "user-data.yaml";

/// The built-in blueprints, in the order in which a template has them.
const BUILT_IN: [(&str, &str); 14] = [
    (STACK, include_str!("../../blueprints/stack.yaml")),
    ("queue.yaml", include_str!("../../blueprints/queue.yaml")),
    ("worker.yaml", include_str!("../../blueprints/worker.yaml")),
    (USER_DATA, include_str!("../../blueprints/user-data.yaml")),
    ("launch-template.yaml", include_str!("../../blueprints/launch-template.yaml")),
    ("launch-configuration.yaml", include_str!("../../blueprints/launch-configuration.yaml")),
    ("existing-groups.yaml", include_str!("../../blueprints/existing-groups.yaml")),
    ("groups.yaml", include_str!("../../blueprints/groups.yaml")),
    ("alarms.yaml", include_str!("../../blueprints/alarms.yaml")),
    ("manager.yaml", include_str!("../../blueprints/manager.yaml")),
    ("events.yaml", include_str!("../../blueprints/events.yaml")),
    ("notices.yaml", include_str!("../../blueprints/notices.yaml")),
    ("dashboard.yaml", include_str!("../../blueprints/dashboard.yaml")),
    (DEPLOYER_POLICY, include_str!("../../blueprints/deployer-policy.yaml")),
];

/// The conventions, for those who write blueprints.
pub const README: &str = include_str!("../../blueprints/README.md");

/// The largest blueprint that is read, in bytes: a hundred times a usual one, and quickly refused.
const LARGEST: u64 = 256 * 1024;

/// One blueprint.
#[derive(Debug, Clone)]
pub struct Blueprint {
    /// Its file name, by which the plan's parts ask for it.
    pub name: &'static str,
    /// Its text.
    pub text: Cow<'static, str>,
    /// Where it was read from; `None`: it is built in.
    pub path: Option<String>,
}

impl Blueprint {
    /// How a message calls it.
    pub(crate) fn shown(&self) -> String {
        self.path.clone().unwrap_or_else(|| format!("blueprints/{} (built in)", self.name))
    }
}

/// All blueprints, each once, in their order.
#[derive(Debug, Clone)]
pub struct Blueprints(Vec<Blueprint>);

impl Default for Blueprints {
    /// The built-in ones.
    fn default() -> Self {
        let built_in = |&(name, text): &(&'static str, &'static str)| Blueprint { name, text: text.into(), path: None };
        Self(BUILT_IN.iter().map(built_in).collect())
    }
}

impl Blueprints {
    /// The built-in ones, and over them those of a folder that has files of the same names.
    ///
    /// A file that says what the built-in one says is not an own one, so that a folder fresh from `eject` changes nothing.
    ///
    /// # Errors
    /// Where the folder or a file cannot be read, is not what a blueprint is, or has a name that no blueprint has.
    pub fn laid_over(folder: &Path) -> Result<Self, BlueprintError> {
        let mut blueprints = Self::default();
        let shown = folder.display();
        let unreadable = |error: io::Error| {
            let help = "name a folder that `spotstack eject` has written, or leave out `--blueprints`";
            BlueprintError::new(format!("cannot read the blueprints in `{shown}`: {error}")).help(help)
        };
        let mut names = vec![];
        for entry in fs::read_dir(folder).map_err(unreadable)? {
            names.push(entry.map_err(unreadable)?.file_name());
        }
        names.sort();
        let mut found = 0;
        for name in names {
            let name = name.to_string_lossy();
            let path = folder.join(&*name);
            match blueprints.0.iter_mut().find(|blueprint| blueprint.name == name) {
                Some(blueprint) => {
                    found += 1;
                    let text = read(&path)?;
                    if text != blueprint.text {
                        blueprint.text = text.into();
                        blueprint.path = Some(path.display().to_string());
                        conventions::check(blueprint)?;
                    }
                }
                None if is_aside(&name) || path.is_dir() => {}
                None => return Err(unknown(&name, &format!("`{}`", path.display()))),
            }
        }
        if found == 0 {
            let help = "`spotstack eject` writes the built-in ones, to change";
            return Err(BlueprintError::new(format!("there is no blueprint in `{shown}`")).help(help));
        }
        Ok(blueprints)
    }

    /// The blueprint of this name.
    ///
    /// # Errors
    /// Where none has it, with the nearest name.
    pub fn named(&self, name: &str) -> Result<&Blueprint, BlueprintError> {
        self.0.iter().find(|blueprint| blueprint.name == name).ok_or_else(|| unknown(name, &format!("`{name}`")))
    }

    /// In the order in which a template has them.
    pub fn iter(&self) -> impl Iterator<Item = &Blueprint> {
        self.0.iter()
    }

    /// Those that are not the built-in ones.
    pub fn own(&self) -> impl Iterator<Item = &Blueprint> {
        self.0.iter().filter(|blueprint| blueprint.path.is_some())
    }

    pub(super) fn at(&self, index: usize) -> Option<&Blueprint> {
        self.0.get(index)
    }

    pub(super) fn position(&self, name: &str) -> Option<usize> {
        self.0.iter().position(|blueprint| blueprint.name == name)
    }
}

/// Whether a file may stand beside blueprints: hidden ones, notes, and what editors and merges leave.
fn is_aside(name: &str) -> bool {
    let ending = name.rsplit_once('.').map_or("", |(_, ending)| ending);
    name.starts_with(['.', '#'])
        || name.ends_with('~')
        || ["md", "txt", "bak", "orig", "rej", "swp", "tmp"].contains(&ending)
        || ["LICENSE", "README"].contains(&name)
}

fn unknown(name: &str, shown: &str) -> BlueprintError {
    let names = BUILT_IN.map(|(name, _)| name);
    let help = match nearest(name, &names) {
        Some(meant) => format!("did you mean `{meant}`?"),
        None => format!("the blueprints are {}", names.join(", ")),
    };
    BlueprintError::new(format!("{shown} is not a blueprint")).help(help)
}

fn read(path: &Path) -> Result<String, BlueprintError> {
    let shown = path.display();
    let unreadable = |why: String| BlueprintError::new(format!("cannot read the blueprint `{shown}`: {why}"));
    let about = fs::metadata(path).map_err(|error| unreadable(error.to_string()))?;
    if !about.is_file() {
        return Err(unreadable("it is not a file".to_owned()));
    }
    if about.len() > LARGEST {
        return Err(unreadable(format!("it has {} bytes, and a blueprint at most {LARGEST}", about.len())));
    }
    let text = fs::read(path).map_err(|error| unreadable(error.to_string()))?;
    let text = String::from_utf8(text).map_err(|error| {
        let before = &error.as_bytes()[..error.utf8_error().valid_up_to()];
        let line = before.iter().filter(|&&byte| byte == b'\n').count() + 1;
        unreadable(format!("line {line} is not UTF-8 text")).help("save it as UTF-8")
    })?;
    // What some editors write, and no YAML may have in its middle.
    let text = text.trim_start_matches('\u{feff}').replace("\r\n", "\n");
    match text.lines().position(|line| line.contains(|char: char| char.is_control() && char != '\t')) {
        Some(index) => Err(unreadable(format!("line {} has a control character", index + 1))),
        None => Ok(text),
    }
}
