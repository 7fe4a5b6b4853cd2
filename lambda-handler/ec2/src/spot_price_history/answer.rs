//! The XML that it is answered with.

use aws_smithy_types::DateTime;
use aws_smithy_types::date_time::Format;
use aws_smithy_xml::decode::{ScopedDecoder, XmlDecodeError, try_data};
use spot_policy::{PriceChange, Timestamp};

use super::OPERATION;
use crate::answer::{self, Page, Unreadable};

/// Reads a page of price changes. A record that is none is passed over.
pub(super) fn page(body: &[u8]) -> Result<Page<PriceChange>, Unreadable> {
    answer::page(OPERATION, "spotPriceHistorySet", body, change)
}

fn change(item: &mut ScopedDecoder<'_, '_>) -> Result<Option<PriceChange>, XmlDecodeError> {
    let (mut zone, mut at, mut usd) = (None, None, None);
    while let Some(mut field) = item.next_tag() {
        match field.start_el().local() {
            "availabilityZone" => zone = Some(try_data(&mut field)?.into_owned()),
            "timestamp" => at = DateTime::from_str(&try_data(&mut field)?, Format::DateTimeWithOffset).ok(),
            "spotPrice" => usd = try_data(&mut field)?.parse().ok().filter(|usd: &f64| usd.is_finite() && *usd >= 0.0),
            _ => {}
        }
    }
    Ok(zone.filter(|zone| !zone.is_empty()).zip(at).zip(usd).map(|((zone, at), usd)| PriceChange {
        zone,
        at: Timestamp(at.secs()),
        usd,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(items: &str, token: &str) -> String {
        format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
             <DescribeSpotPriceHistoryResponse xmlns=\"http://ec2.amazonaws.com/doc/2016-11-15/\">\n\
             <requestId>59dbff89</requestId><spotPriceHistorySet>{items}</spotPriceHistorySet>{token}\n\
             </DescribeSpotPriceHistoryResponse>\n"
        )
    }

    fn item(zone: &str, at: &str, usd: &str) -> String {
        format!(
            "<item><instanceType>g5.2xlarge</instanceType><productDescription>Linux/UNIX</productDescription>\
             <spotPrice>{usd}</spotPrice><timestamp>{at}</timestamp><availabilityZone>{zone}</availabilityZone>\
             <availabilityZoneId>euw1-az1</availabilityZoneId></item>"
        )
    }

    fn changes(items: &str) -> Vec<(String, i64, f64)> {
        let page = page(answer(items, "").as_bytes()).expect("readable");
        page.items.into_iter().map(|change| (change.zone, change.at.0, change.usd)).collect()
    }

    #[test]
    fn price_changes_are_read() {
        let items = item("eu-west-1a", "2026-11-23T20:00:00.000Z", "0.310000")
            + &item("eu-west-1b", "2026-11-23T21:00:00+01:00", "1.2");
        let expected = [("eu-west-1a".to_owned(), 1_795_464_000, 0.31), ("eu-west-1b".to_owned(), 1_795_464_000, 1.2)];
        assert_eq!(changes(&items), expected);
        assert_eq!(changes(""), []);
        assert!(page(b"<DescribeSpotPriceHistoryResponse></DescribeSpotPriceHistoryResponse>").is_ok());
    }

    #[test]
    fn the_last_page_has_no_token_or_an_empty_one() {
        for (token, next) in [
            ("", None),
            ("<nextToken/>", None),
            ("<nextToken></nextToken>", None),
            ("<nextToken>a&amp;b</nextToken>", Some("a&b")),
        ] {
            assert_eq!(page(answer("", token).as_bytes()).expect("readable").next.as_deref(), next, "{token}");
        }
    }

    #[test]
    fn records_that_are_no_price_are_passed_over() {
        let good = item("eu-west-1a", "2026-11-23T20:00:00Z", "0.31");
        for bad in [
            item("eu-west-1b", "yesterday", "0.31"),
            item("eu-west-1b", "2026-11-23T20:00:00Z", "cheap"),
            item("eu-west-1b", "2026-11-23T20:00:00Z", "-1"),
            item("eu-west-1b", "2026-11-23T20:00:00Z", "NaN"),
            item("", "2026-11-23T20:00:00Z", "0.31"),
            "<item/>".to_owned(),
            "<item><spotPrice>0.3</spotPrice></item>".to_owned(),
        ] {
            let items = format!("{bad}{good}");
            assert_eq!(changes(&items), [("eu-west-1a".to_owned(), 1_795_464_000, 0.31)], "{bad}");
        }
    }

    #[test]
    fn what_is_no_answer_is_an_error() {
        let whole = answer(&item("eu-west-1a", "2026-11-23T20:00:00Z", "0.31"), "<nextToken>t</nextToken>");
        for cut in 0..whole.trim_end().len() {
            assert!(page(&whole.as_bytes()[..cut]).is_err(), "cut at {cut}");
        }
        for body in [
            &b""[..],
            b"\xff\xfe",
            b"{}",
            b"<html><body>Bad gateway<br></body></html>",
            b"<Other></DescribeSpotPriceHistoryResponse>",
            b"</DescribeSpotPriceHistoryResponse>",
        ] {
            assert!(page(body).is_err(), "{}", String::from_utf8_lossy(body));
        }
    }
}
