//! The conventions that make a blueprint safe, checked on its raw lines: see `blueprints/README.md`.

use super::error::BlueprintError;
use super::set::Blueprint;

/// What may stand before an expression in its line, but for a key or a dash.
const BEFORE: [&str; 4] = ["", "!Ref", "!Sub", "!GetAtt"];

/// Finds every line that breaks the first or second convention.
pub(super) fn check(blueprint: &Blueprint) -> Result<(), BlueprintError> {
    let broken: Vec<_> =
        blueprint.text.lines().enumerate().filter_map(|(index, line)| Some((index + 1, broken(line)?))).collect();
    if broken.is_empty() {
        return Ok(());
    }
    let error = BlueprintError::of(blueprint, format!("`{}` breaks a convention of blueprints", blueprint.shown()));
    let error = broken.into_iter().fold(error, |error, (line, why)| error.line(line, why));
    Err(error.help("README.md, which `spotstack eject` writes, has the conventions and why they are"))
}

/// Which convention a line breaks.
pub(super) fn broken(line: &str) -> Option<&'static str> {
    if line.trim_start().starts_with("#%") && !line.starts_with("#%") {
        return Some("a statement begins in the first column");
    }
    let (before, rest) = line.split_once("${{")?;
    if before.trim_start().starts_with('#') {
        return None;
    }
    let Some((expression, after)) = rest.rsplit_once("}}") else { return Some("the expression does not end here") };
    // A dash begins an item, and a key its value; a tag may stand before the value.
    let before = before.trim().trim_start_matches(['-', ' ']);
    let before = before.rsplit_once(": ").map_or(before, |(_, before)| before.trim());
    let alone = BEFORE.contains(&before) || before.ends_with(':');
    let whole = alone && !expression.contains("${{") && matches!(after.trim_end(), "" | ":");
    (!whole).then_some("an expression is a whole value or a whole key; join with `~` inside it, or with `!Sub`")
}

#[cfg(test)]
mod tests {
    use super::{broken, check};
    use crate::blueprint::Blueprints;

    #[test]
    fn ours_keep_them() {
        for blueprint in Blueprints::default().iter() {
            check(blueprint).unwrap_or_else(|error| panic!("{:?}", miette::Report::new(error)));
        }
    }

    #[test]
    fn an_expression_is_a_whole_value() {
        for line in [
            "MinSize: ${{ x }}",
            "  - ${{ x }}",
            "  - - ${{ x }}",
            "  ${{ id ~ \"Group\" }}:",
            "  Ref: !Ref ${{ x }}",
            "  - !Sub ${{ \"${AWS::StackName}-\" ~ x }}",
            "  - Name: !GetAtt ${{ x }}",
            "  ${{ user_data | nested(8) }}",
            "  # a remark about ${{ x }}-s",
            "  Description: see {{resolve:ssm:/x}} and ${AWS::Region}",
        ] {
            assert_eq!(broken(line), None, "{line}");
        }
        for line in [
            "Name: prefix-${{ x }}",
            "Name: ${{ x }}-suffix",
            "Name: \"${{ x }}\"",
            "Name: '${{ x }}'",
            "Name: ${{ x }} ${{ y }}",
            "Name: ${{ x",
            "  [${{ x }}]",
            "  echo ${{ x }}",
            "  #% if x",
        ] {
            assert!(broken(line).is_some(), "{line}");
        }
    }
}
