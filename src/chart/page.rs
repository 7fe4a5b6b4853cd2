//! A page of charts and tables in one file: no network, no script, light or dark as its reader has it, and it prints.

use std::borrow::Cow;

use super::svg::{self, Drawing};

/// A whole page. `body` is HTML, made of what is below; the title and the footer are texts.
pub fn page(title: &str, body: &str, footer: &str) -> String {
    let (title, footer) = (escape(title), escape(footer));
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>{title}</title>\n\
         <style>\n{}{}</style>\n</head>\n<body>\n<main>\n<h1>{title}</h1>\n{body}</main>\n<footer>{footer}</footer>\n</body>\n</html>\n",
        include_str!("page.css"),
        svg::STYLE,
    )
}

/// A paragraph of plain text.
pub fn paragraph(text: &str) -> String {
    format!("<p>{}</p>\n", escape(text))
}

/// The heading of a section.
pub fn heading(text: &str) -> String {
    format!("<h2>{}</h2>\n", escape(text))
}

/// A chart and what is said under it.
pub fn figure(drawing: &Drawing, caption: &str) -> String {
    format!("<figure>\n{}<figcaption>{}</figcaption>\n</figure>\n", drawing.inline(), escape(caption))
}

/// A table. The first cell of a row says what the row is about; the other cells are numbers or short words. Where it is wider
/// than the screen it scrolls by itself, also by the keyboard.
pub fn table(caption: &str, head: &[&str], rows: &[Vec<String>]) -> String {
    let head: String = head.iter().map(|cell| format!("<th scope=\"col\">{}</th>", escape(cell))).collect();
    let cells = |row: &Vec<String>| -> String {
        let cell = |(column, cell): (usize, &String)| match column {
            0 => format!("<th scope=\"row\">{}</th>", escape(cell)),
            _ => format!("<td>{}</td>", escape(cell)),
        };
        row.iter().enumerate().map(cell).collect()
    };
    let rows: String = rows.iter().map(|row| format!("<tr>{}</tr>\n", cells(row))).collect();
    let caption = escape(caption);
    format!(
        "<div class=\"scroll\" role=\"region\" aria-label=\"{caption}\" tabindex=\"0\">\n<table>\n<caption>{caption}</caption>\n\
         <thead><tr>{head}</tr></thead>\n<tbody>\n{rows}</tbody>\n</table>\n</div>\n"
    )
}

/// A text that is only a text in HTML and XML.
pub fn escape(text: &str) -> Cow<'_, str> {
    // XML has no word for control characters at all.
    let special = |c: char| matches!(c, '&' | '<' | '>' | '"' | '\'') || (c.is_control() && c != '\n' && c != '\t');
    if !text.contains(special) {
        return Cow::Borrowed(text);
    }
    let mut escaped = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            c if special(c) => escaped.push('\u{fffd}'),
            c => escaped.push(c),
        }
    }
    escaped.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_stays_a_text() {
        assert_eq!(
            escape("<b a=\"1\" b='2'>&\u{1b}\0\n"),
            "&lt;b a=&quot;1&quot; b=&#39;2&#39;&gt;&amp;\u{fffd}\u{fffd}\n"
        );
        assert!(matches!(escape("g5.2xlarge, Linux/UNIX"), Cow::Borrowed(_)));
        let page = page("<t>", &table("<c>", &["<h>"], &[vec!["<a>".into(), "<d>".into()]]), "<f>");
        for wrong in ["<t>", "<c>", "<h>", "<a>", "<d>", "<f>"] {
            assert!(!page.contains(wrong), "{wrong}");
        }
    }

    #[test]
    fn a_page_asks_nobody_for_anything() {
        let page = page("t", &paragraph("p"), "f");
        for wrong in ["http:", "https:", "src=", "url(", "@import", "<script", "<link"] {
            assert!(!page.contains(wrong), "{wrong}");
        }
    }
}
