//! Values as YAML: written so that YAML 1.1 and 1.2 read the same string back.

use minijinja::ErrorKind;
use minijinja::value::{Value, ValueKind};

/// A value as YAML in flow style, on one line.
pub(super) fn flow(value: &Value) -> Result<String, minijinja::Error> {
    Ok(match value.kind() {
        ValueKind::String if value.is_safe() => value.to_string(),
        ValueKind::String => scalar(value.as_str().unwrap_or_default()),
        ValueKind::Bool | ValueKind::Number => value.to_string(),
        ValueKind::Seq | ValueKind::Iterable => {
            let items: Result<Vec<_>, _> = value.try_iter()?.map(|item| flow(&item)).collect();
            format!("[{}]", items?.join(", "))
        }
        ValueKind::Map => {
            let items: Result<Vec<_>, minijinja::Error> = value
                .try_iter()?
                .map(|key| Ok(format!("{}: {}", flow(&key)?, flow(&value.get_item(&key)?)?)))
                .collect();
            format!("{{{}}}", items?.join(", "))
        }
        kind => return Err(minijinja::Error::new(ErrorKind::InvalidOperation, format!("a value is {kind}"))),
    })
}

/// A string as YAML: bare where YAML 1.1 and 1.2, in block and in flow style, all read that very string; in double quotes else.
pub(crate) fn scalar(text: &str) -> String {
    /// Words that one YAML or another reads as something else than a string.
    const WORDS: [&str; 9] = ["y", "n", "yes", "no", "on", "off", "true", "false", "null"];
    let bare = text.starts_with(|first: char| first.is_ascii_alphabetic() || first == '/')
        && text.ends_with(|last: char| last != ' ')
        && text.chars().all(|char| char.is_ascii_alphanumeric() || "_-./+=@ ".contains(char))
        && !WORDS.contains(&text.to_ascii_lowercase().as_str());
    if bare { text.to_owned() } else { quoted(text) }
}

fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for char in text.chars() {
        match char {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            // Not printable for YAML, or a line break for one of its versions.
            char if !printable(char) => match u32::from(char) {
                code @ ..=0xff => out.push_str(&format!("\\x{code:02x}")),
                code @ ..=0xffff => out.push_str(&format!("\\u{code:04x}")),
                code => out.push_str(&format!("\\U{code:08x}")),
            },
            char => out.push(char),
        }
    }
    out.push('"');
    out
}

pub(super) fn printable(char: char) -> bool {
    !char.is_control() && !matches!(char, '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}')
}

/// A text of several lines as a YAML literal whose lines begin at a column; in quotes where a literal could not hold it.
pub(super) fn block(text: &str, indent: usize) -> String {
    let literal = text.ends_with('\n')
        && !text.starts_with([' ', '\n', '\t'])
        && !text.ends_with("\n\n")
        && text.chars().all(|char| char == '\n' || char == '\t' || printable(char));
    if !literal {
        return quoted(text);
    }
    let mut literal = "|".to_owned();
    for line in text.lines() {
        literal.push('\n');
        if !line.is_empty() {
            literal.extend(std::iter::repeat_n(' ', indent));
            literal.push_str(line);
        }
    }
    literal
}

/// A fragment moved to a column; its first line stands where the expression stood.
pub(super) fn nested(fragment: &str, indent: usize) -> String {
    let mut text = String::with_capacity(fragment.len() * 2);
    for (index, line) in fragment.lines().enumerate() {
        if index > 0 {
            text.push('\n');
        }
        if index > 0 && !line.is_empty() {
            text.extend(std::iter::repeat_n(' ', indent));
        }
        text.push_str(line);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_string_stays_a_string_for_every_yaml() {
        for (text, yaml) in [
            ("g5.2xlarge", "g5.2xlarge"),
            ("Linux/UNIX", "Linux/UNIX"),
            ("render jobs", "render jobs"),
            ("no", "\"no\""),
            ("Yes", "\"Yes\""),
            ("0755", "\"0755\""),
            ("12:30:45", "\"12:30:45\""),
            ("012345678901", "\"012345678901\""),
            ("a: b", "\"a: b\""),
            ("x # y", "\"x # y\""),
            ("", "\"\""),
            ("{{ x }}", "\"{{ x }}\""),
            ("a\"b\\c\nd\u{7}\u{85}\u{2028}", r#""a\"b\\c\nd\x07\x85\u2028""#),
            ("🙂", "\"🙂\""),
            ("trailing ", "\"trailing \""),
        ] {
            assert_eq!(scalar(text), yaml);
            assert_eq!(serde_yaml::from_str::<String>(&scalar(text)).expect("valid"), text);
            assert_eq!(serde_yaml::from_str::<Vec<String>>(&format!("[{}]", scalar(text))).expect("valid"), [text]);
        }
    }

    #[test]
    fn scripts_are_literals_where_a_literal_can_hold_them() {
        assert_eq!(block("#!/bin/bash\n\n  echo hi\n", 4), "|\n    #!/bin/bash\n\n      echo hi");
        for odd in ["#!/bin/sh\r\necho\r\n", "#!/bin/sh", " x\n", "#!x\n\n", "#!x\u{1b}\n"] {
            assert!(block(odd, 4).starts_with('"'), "{odd:?}");
        }
        for text in
            ["#!/bin/bash\n\n  echo hi\n\tx\n", "#!/bin/sh\r\necho\r\n", "#!/bin/sh", " x\n", "#!x\n\n", "#!x\u{1b}\n"]
        {
            assert_eq!(serde_yaml::from_str::<String>(&format!("{}\n", block(text, 2))).expect("valid"), text);
        }
    }
}
