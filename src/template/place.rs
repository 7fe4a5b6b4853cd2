//! Where in a document's text something stands.

/// The line, counted from 1, of the deepest key of this path that is written in block style; `None` where not even the first is.
pub(super) fn line(text: &str, path: &[&str]) -> Option<usize> {
    let lines: Vec<&str> = text.lines().collect();
    let mut found = None;
    let (mut from, mut indent) = (0, 0);
    for key in path {
        let at = (from..lines.len())
            .take_while(|&at| is_aside(lines[at]) || margin(lines[at]) >= indent)
            .find(|&at| margin(lines[at]) == indent && key_of(lines[at]) == Some(key));
        let Some(at) = at else { break };
        found = Some(at + 1);
        from = at + 1;
        match lines[from..].iter().find(|line| !is_aside(line)) {
            Some(next) if margin(next) > indent => indent = margin(next),
            _ => break,
        }
    }
    found
}

/// The first line of a resource or output, counted from 1, that has a text in it.
pub(super) fn mention(text: &str, begin: usize, mentioned: &str) -> Option<usize> {
    let indent = margin(text.lines().nth(begin.checked_sub(1)?)?);
    let inside = text.lines().enumerate().skip(begin).take_while(|(_, line)| is_aside(line) || margin(line) > indent);
    inside.filter(|(_, line)| line.contains(mentioned)).map(|(index, _)| index + 1).next()
}

fn margin(line: &str) -> usize {
    line.len() - line.trim_start_matches(' ').len()
}

/// Whether a line says nothing about the structure.
fn is_aside(line: &str) -> bool {
    let line = line.trim_start();
    line.is_empty() || line.starts_with('#')
}

fn key_of(line: &str) -> Option<&str> {
    let (key, rest) = line.trim_start().split_once(':')?;
    (rest.is_empty() || rest.starts_with(' ')).then(|| key.trim_matches(['"', '\'']))
}

#[cfg(test)]
mod tests {
    use super::{line, mention};

    const TEXT: &str = "\
# Head: x
Resources:
  # A: comment
  One:
    Type: T
    Properties:
      Name: a

      List:
        - Name: b
  Two:
    Properties: {Name: c}
Outputs:
  Two:
    Value: !Ref One
";

    #[test]
    fn a_path_leads_to_its_line_or_as_near_as_it_can() {
        for (path, expected) in [
            (&["Resources", "One", "Properties", "Name"] as &[_], Some(7)),
            (&["Resources", "One", "Properties", "List"], Some(9)),
            (&["Resources", "One", "Name"], Some(4)),
            (&["Resources", "Two", "Properties", "Name"], Some(12)),
            (&["Outputs", "Two", "Value"], Some(15)),
            (&["Resources", "Three"], Some(2)),
            (&["Head"], None),
        ] {
            assert_eq!(line(TEXT, path), expected, "{path:?}");
        }
        assert_eq!(mention(TEXT, 4, "b"), Some(10));
        assert_eq!(mention(TEXT, 4, "c"), None);
        assert_eq!(mention(TEXT, 14, "One"), Some(15));
    }
}
