//! What every answer of EC2 and IAM has in common.

use aws_smithy_types::error::ErrorMetadata;
use aws_smithy_xml::decode::{Document, ScopedDecoder, XmlDecodeError, try_data};

/// An answer that cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("the answer to {operation} cannot be read: {why}")]
pub(crate) struct Unreadable {
    operation: &'static str,
    why: String,
}

/// Reads the answer to an operation: what `inside` makes of its root.
pub(crate) fn read<T>(
    operation: &'static str,
    body: &[u8],
    inside: impl FnOnce(&mut ScopedDecoder<'_, '_>) -> Result<T, XmlDecodeError>,
) -> Result<T, Unreadable> {
    let unreadable = |why: String| Unreadable { operation, why };
    let root = format!("{operation}Response");
    let text = std::str::from_utf8(body).map_err(|error| unreadable(error.to_string()))?;
    // The decoder takes the end of the text for the end of every open element.
    if !text.trim_end().ends_with(&format!("</{root}>")) {
        return Err(unreadable(format!("it does not end with `</{root}>`")));
    }
    let mut document = Document::new(text);
    let read = document.root_element().and_then(|mut element| {
        if !element.start_el().matches(root.as_str()) {
            return Err(XmlDecodeError::custom(format!("its root is not `{root}`")));
        }
        inside(&mut element)
    });
    read.map_err(|error| unreadable(error.to_string()))
}

/// One page of a list.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Page<T> {
    pub(crate) items: Vec<T>,
    /// Where the next page begins; the last one has none, or an empty one.
    pub(crate) next: Option<String>,
}

/// Reads one page of a list of EC2's: what `item` makes of each item in the element `set`. An item that it makes nothing of is
/// passed over, which is no reason to know nothing of the others.
pub(crate) fn page<T>(
    operation: &'static str,
    set: &str,
    body: &[u8],
    item: impl Fn(&mut ScopedDecoder<'_, '_>) -> Result<Option<T>, XmlDecodeError>,
) -> Result<Page<T>, Unreadable> {
    read(operation, body, |root| {
        let mut page = Page { items: vec![], next: None };
        while let Some(mut tag) = root.next_tag() {
            match tag.start_el().local() {
                "nextToken" => page.next = text(&mut tag)?,
                name if name == set => {
                    while let Some(mut element) = tag.next_tag() {
                        page.items.extend(item(&mut element)?);
                    }
                }
                _ => {}
            }
        }
        Ok(page)
    })
}

/// An element's text, unless it is empty.
pub(crate) fn text(element: &mut ScopedDecoder<'_, '_>) -> Result<Option<String>, XmlDecodeError> {
    Ok(Some(try_data(element)?.into_owned()).filter(|text| !text.is_empty()))
}

/// The code and message of an error, from `<Response><Errors><Error>` or `<ErrorResponse><Error>`, by which throttling is told
/// from a refusal. A body that says neither (a proxy's page, nothing) has only its status.
pub(crate) fn error(status: u16, body: &[u8]) -> ErrorMetadata {
    let (code, message) = std::str::from_utf8(body).ok().and_then(code_and_message).unwrap_or_default();
    let message = message.unwrap_or_else(|| format!("HTTP {status} without an error of AWS"));
    ErrorMetadata::builder().code(code.unwrap_or_else(|| format!("HTTP{status}"))).message(message).build()
}

fn code_and_message(text: &str) -> Option<(Option<String>, Option<String>)> {
    let mut document = Document::new(text);
    let (mut code, mut message) = (None, None);
    while let Some(element) = document.next_start_element() {
        let found = match element.local() {
            "Code" => &mut code,
            "Message" => &mut message,
            _ => continue,
        };
        *found = Some(try_data(&mut document.scoped_to(element)).ok()?.into_owned());
    }
    Some((code, message))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_have_a_code_and_a_message() {
        let body = b"<?xml version=\"1.0\"?><Response><Errors><Error><Code>RequestLimitExceeded</Code>\
            <Message>Request limit exceeded.</Message></Error></Errors><RequestID>r</RequestID></Response>";
        let limit = error(503, body);
        assert_eq!((limit.code(), limit.message()), (Some("RequestLimitExceeded"), Some("Request limit exceeded.")));
        for body in [&b""[..], b"<html><body><h1>503</h1></body></html>", b"\xff", b"<Response><Errors><Err"] {
            let plain = error(503, body);
            assert_eq!((plain.code(), plain.message()), (Some("HTTP503"), Some("HTTP 503 without an error of AWS")));
        }
    }
}
