//! The word that was probably meant.

/// A word as keys are written: `Max-Price` is `max_price`.
pub(super) fn fold(word: &str) -> String {
    word.to_lowercase().replace(['-', ' '], "_")
}

/// The candidate nearest to `word`, if one is near enough to be meant by it.
pub(crate) fn nearest<'a>(word: &str, candidates: &[&'a str]) -> Option<&'a str> {
    // A long text is no word, and would take its time.
    let word = fold(word.get(..64).unwrap_or(word));
    candidates
        .iter()
        .map(|candidate| (distance(&word, &fold(candidate)), *candidate))
        .filter(|(distance, candidate)| *distance <= candidate.len().max(word.len()) / 3)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// The Damerau-Levenshtein distance: how many letters to add, drop, exchange, or swap with their neighbours.
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let (mut before, mut row) = (vec![], (0..=b.len()).collect::<Vec<usize>>());
    for i in 0..a.len() {
        let mut next = vec![i + 1];
        for j in 0..b.len() {
            let mut least = (row[j] + usize::from(a[i] != b[j])).min(row[j + 1] + 1).min(next[j] + 1);
            if i > 0 && j > 0 && a[i] == b[j - 1] && a[i - 1] == b[j] {
                let swapped: &Vec<usize> = &before;
                least = least.min(swapped[j - 1] + 1);
            }
            next.push(least);
        }
        before = std::mem::replace(&mut row, next);
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn near_words_are_found_and_far_ones_are_not() {
        let keys = ["max_price", "headroom", "window", "patience", "hold", "revert"];
        for (typed, meant) in [
            ("max-price", Some("max_price")),
            ("maxprice", Some("max_price")),
            ("Headroom", Some("headroom")),
            ("holds", Some("hold")),
            ("pateince", Some("patience")),
            ("hlod", Some("hold")),
            ("instance_type", None),
            ("", None),
        ] {
            assert_eq!(nearest(typed, &keys), meant, "{typed}");
        }
    }
}
