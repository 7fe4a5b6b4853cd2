//! The shapes of names, as AWS takes them.

/// Whether this has the shape of an e-mail address; whether somebody reads it, only a confirmation tells.
pub(super) fn is_address(text: &str) -> bool {
    let Some((local, domain)) = text.rsplit_once('@') else { return false };
    let labels = |domain: &str| domain.split('.').all(|label| !label.is_empty() && all(label, "-"));
    (1..=64).contains(&local.len())
        && local.bytes().all(|byte| byte.is_ascii_graphic() && !br#""(),:;<>@[\]"#.contains(&byte))
        && text.len() <= 254
        && domain.contains('.')
        && labels(domain)
}

pub(super) fn is_stack(name: &str) -> bool {
    name.len() <= 128 && starts_with_letter(name) && all(name, "-")
}

pub(super) fn starts_with_letter(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_alphabetic())
}

/// Whether `text` is made of ASCII letters, digits and these others.
pub(super) fn all(text: &str, others: &str) -> bool {
    text.chars().all(|char| char.is_ascii_alphanumeric() || others.contains(char))
}

pub(super) fn is_plain(text: &str) -> bool {
    text.len() <= 255 && text.bytes().all(|byte| (b' '..=b'~').contains(&byte))
}

/// Whether `text` is an EC2 id: the prefix and 8 or 17 hexadecimal digits.
pub(super) fn is_id(text: &str, prefix: &str) -> bool {
    text.strip_prefix(prefix).is_some_and(|digits| {
        (digits.len() == 8 || digits.len() == 17)
            && digits.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
    })
}
