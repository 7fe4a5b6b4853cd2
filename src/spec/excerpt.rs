//! The lines that a problem is in, fit to be printed: nothing in them can drive the terminal, and none is endless.

use std::ops::Range;

/// Lines of the text beside a caret that are kept.
const CONTEXT: usize = 1;

/// A line of so many bytes is shown whole.
const WHOLE: usize = 100;

/// So many characters of a longer one are shown before a place, and from its beginning on: all of the place, within bounds.
const BEFORE: usize = 16;
const AFTER: std::ops::RangeInclusive<usize> = 44..=70;

/// A text without what would drive a terminal, on one line, and of a length that somebody reads.
pub(super) fn plain(text: &str) -> String {
    const MOST: usize = 240;
    let mut plain: String =
        text.chars().take(MOST).map(|char| if char == '\t' { ' ' } else { printed(char) }).collect();
    if text.chars().nth(MOST).is_some() {
        plain.push('…');
    }
    plain
}

/// The lines around some places of a text, all others left empty so that lines keep their numbers; and where the places are now.
pub(super) fn around(text: &str, places: &[Range<usize>]) -> (String, Vec<Range<usize>>) {
    let lines = lines(text);
    let line_of = |offset: usize| lines.partition_point(|line| line.start <= offset).saturating_sub(1);
    let wanted: Vec<(usize, &Range<usize>)> = places.iter().map(|place| (line_of(place.start), place)).collect();
    let mut out = String::new();
    let mut moved = vec![0..0; places.len()];
    let last = wanted.iter().map(|(line, _)| line + CONTEXT).max().unwrap_or(0);
    for (number, line) in lines.iter().enumerate().take(last + 1) {
        let here: Vec<usize> = (0..wanted.len()).filter(|&index| wanted[index].0 == number).collect();
        let near = wanted.iter().any(|(line, _)| line.abs_diff(number) <= CONTEXT);
        if near {
            let offsets: Vec<Range<usize>> = here.iter().map(|&index| wanted[index].1.clone()).collect();
            for window in windows(&text[line.clone()], line.start, &offsets) {
                let Window::Shown(range) = window else {
                    out.push('…');
                    continue;
                };
                let starts = |offset: usize| range.contains(&offset) || offset == range.end && offset == line.end;
                let base = out.len();
                let shown = |offset: usize| -> usize {
                    let offset = offset.clamp(range.start, range.end);
                    let before = text.get(range.start..offset).unwrap_or_default();
                    base + before.chars().map(|char| printed(char).len_utf8()).sum::<usize>()
                };
                for &index in here.iter().filter(|&&index| starts(wanted[index].1.start)) {
                    let place = wanted[index].1;
                    moved[index] = shown(place.start)..shown(place.end.max(place.start));
                }
                out.extend(text[range.clone()].chars().map(printed));
            }
        }
        out.push('\n');
    }
    // A caret has something to stand under.
    for place in &mut moved {
        if place.start >= place.end {
            place.end = out[place.start..].chars().next().map_or(place.start, |char| place.start + char.len_utf8());
        }
    }
    (out, moved)
}

/// How many characters stand before a place in its line.
pub(super) fn column(text: &str, place: usize) -> usize {
    let before = text.get(..place.min(text.len())).unwrap_or_default();
    before.chars().rev().take_while(|char| !matches!(char, '\n' | '\r')).filter(|char| *char != '\u{feff}').count()
}

/// Where the key of the value at an offset stands.
pub(super) fn key_before(text: &str, value: usize, key: &str) -> Option<Range<usize>> {
    let before = text.get(..value.min(text.len()))?;
    // The nearest place that is this word and a colon, so not a longer word and not a comment's.
    before.rmatch_indices(key).take(100).find_map(|(start, _)| {
        let after = before[start + key.len()..].trim_start_matches(['"', '\'']).trim_start_matches([' ', '\t']);
        let starts = before[..start].chars().next_back().is_none_or(|char| " \t\n\r{,\"'?".contains(char));
        (starts && after.starts_with(':')).then(|| start..start + key.len())
    })
}

/// The lines of a text as YAML counts them, without what ends them.
fn lines(text: &str) -> Vec<Range<usize>> {
    let mut lines = vec![];
    let mut start = 0;
    let bytes = text.as_bytes();
    let mut index = 0;
    while index < bytes.len() {
        if matches!(bytes[index], b'\n' | b'\r') {
            lines.push(start..index);
            if bytes[index] == b'\r' && bytes.get(index + 1) == Some(&b'\n') {
                index += 1;
            }
            start = index + 1;
        }
        index += 1;
    }
    lines.push(start..text.len());
    lines
}

enum Window {
    Shown(Range<usize>),
    Left,
}

/// What is shown of a line that begins at an offset: all of a short one, and what is around the places of a long one.
fn windows(line: &str, base: usize, places: &[Range<usize>]) -> Vec<Window> {
    let end = base + line.len();
    if line.len() <= WHOLE {
        return vec![Window::Shown(base..end)];
    }
    let beginning = base..base;
    let mut places = if places.is_empty() { vec![beginning] } else { places.to_vec() };
    places.sort_unstable_by_key(|place| place.start);
    let mut ranges: Vec<Range<usize>> = vec![];
    for place in places {
        let at = place.start.clamp(base, end) - base;
        let at = (0..=at).rev().find(|&at| line.is_char_boundary(at)).unwrap_or(0);
        let from = line[..at].char_indices().rev().take(BEFORE).last().map_or(at, |(index, _)| index);
        let to = line[at..]
            .char_indices()
            .nth(place.len().clamp(*AFTER.start(), *AFTER.end()))
            .map_or(line.len(), |(index, _)| at + index);
        match ranges.last_mut() {
            Some(last) if last.end >= base + from => last.end = base + to,
            _ => ranges.push(base + from..base + to),
        }
    }
    let mut windows = vec![];
    let mut shown = base;
    for range in ranges {
        if range.start > shown {
            windows.push(Window::Left);
        }
        shown = range.end;
        windows.push(Window::Shown(range));
    }
    if shown < end {
        windows.push(Window::Left);
    }
    windows
}

/// What is printed for a character: a picture of it where it would drive the terminal, or hide or turn around its neighbours.
fn printed(char: char) -> char {
    match char {
        '\t' => '\t',
        '\0'..='\u{1f}' => char::from_u32(0x2400 + u32::from(char)).unwrap_or('�'),
        '\u{7f}' => '␡',
        '\u{80}'..='\u{9f}'
        | '\u{200b}'..='\u{200f}'
        | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{2069}'
        | '\u{feff}' => '�',
        char => char,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn carets_stay_where_they_were() {
        for (text, place, line) in [
            ("a: b\nc: dd\ne: f\n", "dd", "c: dd"),
            ("a: b\r\nc: dd\r\n", "dd", "c: dd"),
            ("a: b\rc: dd\r", "dd", "c: dd"),
            ("🙂: dd\n", "dd", "🙂: dd"),
            ("\u{feff}a: dd\n", "dd", "�a: dd"),
            ("a\u{1b}[31m: dd", "dd", "a␛[31m: dd"),
            ("a: \"\u{202e}dd\"", "dd", "a: \"�dd\""),
        ] {
            let start = text.find(place).expect("the place");
            let (shown, moved) = around(text, std::slice::from_ref(&(start..start + place.len())));
            assert_eq!(&shown[moved[0].clone()], place, "{text:?}");
            let before = shown[..moved[0].start].rfind('\n').map_or(0, |newline| newline + 1);
            assert_eq!(shown[before..].lines().next(), Some(line), "{text:?}");
        }
    }

    #[test]
    fn an_endless_line_is_shown_around_its_places() {
        let text = format!("a: [{}HERE, {}THERE, {}]", "é ".repeat(500), "x ".repeat(500), "y ".repeat(500));
        let places = ["HERE", "THERE"].map(|word| {
            let start = text.rfind(&format!(" {word},")).expect("the word") + 1;
            start..start + word.len()
        });
        let (shown, moved) = around(&text, &places);
        assert!(shown.chars().count() < 300, "{shown}");
        assert_eq!(moved.iter().map(|place| &shown[place.clone()]).collect::<Vec<_>>(), ["HERE", "THERE"]);
        assert_eq!(shown.matches('…').count(), 3);
    }

    #[test]
    fn a_place_may_be_anywhere() {
        for text in ["", "\n", "a", "a\n", "é\r\né"] {
            for start in 0..=text.len() + 1 {
                for end in start..=text.len() + 2 {
                    let (shown, moved) = around(text, std::slice::from_ref(&(start..end)));
                    assert!(shown.get(moved[0].clone()).is_some(), "{text:?} {start}..{end}");
                }
            }
        }
    }

    #[test]
    fn a_key_is_found_before_its_value() {
        let text = "gpu-x: {}\n# gpu: no\n\"gpu\" : # gpu\n  queue: gpu\n";
        let value = text.find("queue").expect("the value");
        assert_eq!(key_before(text, value, "gpu"), Some(21..24));
        assert_eq!(key_before("{gpu: {}}", 6, "gpu"), Some(1..4));
        assert_eq!(key_before("a: b", 3, "x"), None);
        assert_eq!(key_before("a: b", usize::MAX, "a"), Some(0..1));
    }
}
