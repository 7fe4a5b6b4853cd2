//! Somebody else's text, safe to print.

use std::borrow::Cow;

/// The text, in which what would move the cursor, change colours or reverse the direction of a terminal is shown as an escape;
/// everything else stays as it is.
pub fn neutral(text: &str) -> Cow<'_, str> {
    if !text.contains(dangerous) {
        return Cow::Borrowed(text);
    }
    text.chars()
        .map(|c| if dangerous(c) { c.escape_unicode().to_string() } else { c.to_string() })
        .collect::<String>()
        .into()
}

/// JSON that means the same and is safe to print: serde_json escapes the control characters of C0, and leaves the others.
pub fn neutral_json(document: &str) -> Cow<'_, str> {
    if !document.contains(dangerous) {
        return Cow::Borrowed(document);
    }
    // They stand in strings, for JSON has no other place for them; each is one UTF-16 unit.
    document
        .chars()
        .map(|c| if dangerous(c) { format!("\\u{:04x}", u32::from(c)) } else { c.to_string() })
        .collect::<String>()
        .into()
}

/// Control characters (C0 but for the line feed and the tab, DEL, C1) and those that override the direction of text.
fn dangerous(c: char) -> bool {
    (c.is_control() && c != '\n' && c != '\t')
        || matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_acts_on_a_terminal_is_escaped() {
        let harmless = "Resource handler returned message: \"Grüße,\n\t日本 £\"";
        assert!(matches!(neutral(harmless), Cow::Borrowed(text) if text == harmless));
        assert_eq!(neutral("\u{1b}[2Jgone\r\u{9b}31m\u{202e}"), "\\u{1b}[2Jgone\\u{d}\\u{9b}31m\\u{202e}");
        // Every character that Unicode's algorithm for both directions acts on.
        let directions = "\u{61c}\u{200e}\u{200f}\u{202a}\u{202b}\u{202c}\u{202d}\u{2066}\u{2067}\u{2068}\u{2069}";
        assert!(directions.chars().all(dangerous));
    }

    #[test]
    fn json_says_the_same_without_acting_on_a_terminal() {
        let text = "\u{1b}[2J\u{7f}\u{9b}31m\u{202e}\"\\Grüße 日本";
        let printed = serde_json::to_string(text).expect("JSON");
        assert!(printed.contains('\u{9b}'), "serde_json leaves it");
        let safe = neutral_json(&printed);
        assert!(!safe.contains(dangerous), "{safe}");
        assert_eq!(serde_json::from_str::<String>(&safe).expect("JSON"), text);
    }
}
