use std::io::{BufReader, Cursor, Read};

use proptest::prelude::*;

use super::*;

const PAGE: &str = r#"{
    "SpotPriceHistory": [
        {
            "AvailabilityZone": "eu-west-1b",
            "InstanceType": "g5.2xlarge",
            "ProductDescription": "Linux/UNIX",
            "SpotPrice": "0.400000",
            "Timestamp": "2026-11-23T20:00:00+00:00"
        },
        {
            "AvailabilityZone": "eu-west-1a",
            "InstanceType": "g5.2xlarge",
            "ProductDescription": "Linux/UNIX",
            "SpotPrice": "0.310000",
            "Timestamp": "2026-11-23T19:00:00+00:00"
        }
    ]
}
"#;

fn read_all(text: &str, wanted: Wanted<'_>) -> Result<History, HistoryError> {
    History::read("prices.json", text.as_bytes(), wanted)
}

fn flat(history: &History) -> Vec<(&str, i64, f64)> {
    history.changes().into_iter().map(|change| (change.zone.as_str(), change.at.0, change.usd)).collect()
}

fn trouble(text: &str) -> String {
    let error = read_all(text, Wanted::default()).expect_err("no history");
    match miette::Diagnostic::help(&error) {
        Some(help) if !matches!(error, HistoryError::Malformed { .. }) => format!("{error}; {help}"),
        _ => error.to_string(),
    }
}

/// 2026-11-23T20:00:00Z.
const EIGHT: i64 = 1_795_464_000;

#[test]
fn every_form_says_the_same() {
    let list = PAGE.split_once(':').expect("a list").1.trim().trim_end_matches('}');
    let records = list.replace(['[', ']'], "").replace("},", "}\n");
    let comma = "Timestamp,AvailabilityZone,InstanceType,ProductDescription,SpotPrice\n\
                 2026-11-23T20:00:00+00:00,eu-west-1b,g5.2xlarge,Linux/UNIX,0.4\n\
                 2026-11-23T19:00:00+00:00,eu-west-1a,g5.2xlarge,Linux/UNIX,0.31\n";
    let aws = "SPOTPRICEHISTORY\teu-west-1b\tg5.2xlarge\tLinux/UNIX\t0.400000\t2026-11-23T20:00:00+00:00\n\
               NEXTTOKEN\tabc\n\
               SPOTPRICEHISTORY\teu-west-1a\teuw1-az1\tg5.2xlarge\tLinux/UNIX\t0.310000\t2026-11-23T19:00:00+00:00\n";
    let two = PAGE.split_once("},").expect("two prices");
    let pages = format!("{}}}], \"NextToken\": \"x\"}}\n{{\"SpotPriceHistory\": [{}", two.0, two.1);
    for (form, text) in [
        ("a page", PAGE.to_owned()),
        ("on one line", PAGE.replace('\n', "")),
        ("with a byte order mark", format!("\u{feff}\r\n{PAGE}")),
        ("two pages", pages),
        ("a page without anything after it", PAGE.to_owned() + "{\"SpotPriceHistory\": []}"),
        ("the list", list.to_owned()),
        ("one after the other", records),
        ("numbers", PAGE.replace("\"0.400000\"", "0.4").replace("\"2026-11-23T20:00:00+00:00\"", "1795464000")),
        ("more keys", PAGE.replace("\"SpotPrice\"", "\"AvailabilityZoneId\": {\"a\": []}, \"SpotPrice\"")),
        ("of EC2-Classic", PAGE.replacen("Linux/UNIX", "Linux/UNIX (Amazon VPC)", 1)),
        ("a table", comma.to_owned()),
        ("with semicolons", comma.replace(',', ";")),
        ("quoted", comma.replace("Linux/UNIX", "\"Linux/UNIX\"")),
        ("by other names", comma.replace("AvailabilityZone", "zone").replace("SpotPrice", "Spot price")),
        ("with a comment and empty lines", format!("\n\n# from a colleague\n{}", comma.replace('\n', "\r\n\r\n"))),
        ("AWS's text output", aws.to_owned()),
    ] {
        let history = read_all(&text, Wanted::default()).unwrap_or_else(|error| panic!("{form}: {error}"));
        assert_eq!(flat(&history), [("eu-west-1a", EIGHT - 3_600, 0.31), ("eu-west-1b", EIGHT, 0.4)], "{form}");
        assert_eq!(history.kind.to_string(), "g5.2xlarge, Linux/UNIX", "{form}");
        assert_eq!(history.span(), Some((Timestamp(EIGHT - 3_600), Timestamp(EIGHT))), "{form}");
    }
}

#[test]
fn what_is_looked_for_is_chosen_and_the_rest_counted() {
    let file = PAGE.replacen("g5.2xlarge", "g4dn.xlarge", 1);
    let wanted = Wanted { instance_type: Some("g5.2xlarge"), product: Some("Linux/UNIX (Amazon VPC)") };
    let history = read_all(&file, wanted).expect("a history");
    assert_eq!(flat(&history), [("eu-west-1a", EIGHT - 3_600, 0.31)]);
    let others: Vec<_> = history.others.iter().map(|(kind, count)| format!("{kind}: {count}")).collect();
    assert_eq!(others, ["g4dn.xlarge, Linux/UNIX: 1"]);

    assert_eq!(
        trouble(&file),
        "`prices.json` holds Spot prices of more than one kind; choose by --instance-type and --product: it has g4dn.xlarge, \
         Linux/UNIX; g5.2xlarge, Linux/UNIX"
    );
    let absent = read_all(&file, Wanted { instance_type: Some("p3.2xlarge"), product: None }).expect_err("not in it");
    assert_eq!(absent.to_string(), "`prices.json` holds no Spot price of p3.2xlarge");

    let bare = "time,az,usd\n2026-11-23 20:00:00,a,0.4\n";
    let history = read_all(bare, wanted).expect("what a file does not say is what is looked for");
    assert_eq!(flat(&history), [("a", EIGHT, 0.4)]);
}

#[test]
fn what_is_no_price_is_named_with_its_line() {
    for (text, says) in [
        ("", "`prices.json` holds no Spot price; "),
        ("  \n\n", "`prices.json` holds no Spot price; "),
        ("{\"SpotPriceHistory\": []}", "`prices.json` holds no Spot price; "),
        ("zone,time,price\n", "`prices.json` holds no Spot price; "),
        ("{}", "prices.json:1: there is no `SpotPriceHistory` in this"),
        ("\n\n{\n\"Reservations\": []}", "prices.json:4: there is no `SpotPriceHistory` in this"),
        ("[1]", "prices.json:1: invalid type: integer `1`, expected a price"),
        ("[[]]", "prices.json:1: a list where a price should be"),
        ("[{}]", "prices.json:1: a price without AvailabilityZone"),
        (&PAGE[..300], "prices.json:11: the file ends in the middle; was its download cut off?"),
        (&PAGE.replace("\"0.31", "\"cheap"), "prices.json:16: SpotPrice is no price in USD: `cheap0000`"),
        (&PAGE.replace("\"0.31", "\"-0.31"), "prices.json:16: SpotPrice is no price in USD: `-0.310000`"),
        (&PAGE.replace("\"0.310000\"", "\"NaN\""), "prices.json:16: SpotPrice is no price in USD: `NaN`"),
        (&PAGE.replace("\"0.310000\"", "null"), "prices.json:16: a price without SpotPrice"),
        (&PAGE.replace("\"0.310000\"", "{}"), "prices.json:14: invalid type: map, expected a text or a number"),
        (
            &PAGE.replace("T19:00", "T25:00"),
            "prices.json:16: Timestamp is no moment such as 2026-11-23T20:49:31+00:00: `2026-11-23T25:00:00+00:00`",
        ),
        (&PAGE.replace("eu-west-1a", "\\u001b[2J"), "prices.json:16: AvailabilityZone is no name: `\\u{1b}[2J`"),
        (&PAGE.replace("eu-west-1a", "<script>"), "prices.json:16: AvailabilityZone is no name: `<script>`"),
        (&PAGE.replace("},", "}"), "prices.json:10: expected `,` or `]`"),
        (&format!("{PAGE}{PAGE}x"), "prices.json:37: expected value"),
        (&"[".repeat(10_000), "prices.json:1: a list where a price should be"),
        (
            "An error occurred (UnauthorizedOperation)",
            "prices.json:1: neither JSON nor a header with a column Timestamp: `An error occurred (UnauthorizedOperation…`",
        ),
        ("zone,time,price\na,2026-11-23T20:00:00Z\n", "prices.json:2: a price without SpotPrice"),
        (
            "zone,time,price\na,2026-11-23T20:00:00Z,0.1\n\nb,x,0.1\n",
            "prices.json:4: Timestamp is no moment such as 2026-11-23T20:49:31+00:00: `x`",
        ),
        (
            "\nzone,time,price\na,now,0.1\n",
            "prices.json:3: Timestamp is no moment such as 2026-11-23T20:49:31+00:00: `now`",
        ),
    ] {
        let trouble = trouble(text);
        assert!(trouble.starts_with(says), "{trouble}\n{says}");
    }
    for (bytes, says) in [
        (&b"\xff\xfe{\0"[..], "prices.json:1: the text is UTF-16; write it as UTF-8"),
        (b"\x1f\x8b\x08", "prices.json:1: this is compressed"),
        (b"zone,time,price\n\xff,2026-11-23T20:00:00Z,0.1\n", "prices.json:2: this is no UTF-8 text"),
        (b"[{\"AvailabilityZone\": \"\xff\"}]", "prices.json:1: invalid unicode code point"),
    ] {
        let error = History::read("prices.json", bytes, Wanted::default()).expect_err("no history");
        assert!(error.to_string().starts_with(says), "{error}");
    }
}

#[test]
fn what_cannot_be_read_is_said_with_its_cause() {
    struct Broken;
    impl Read for Broken {
        fn read(&mut self, _: &mut [u8]) -> std::io::Result<usize> {
            Err(std::io::Error::other("the disk is gone"))
        }
    }
    for start in ["", "{\"SpotPriceHistory\": [", "zone,time,price\n"] {
        let input = BufReader::new(Cursor::new(start).chain(Broken));
        match History::read("prices.json", input, Wanted::default()) {
            Err(HistoryError::Unreadable { source, .. }) => assert_eq!(source.to_string(), "the disk is gone"),
            other => panic!("{start}: {other:?}"),
        }
    }
}

#[test]
fn only_what_was_over_before_a_start_is_left_away() {
    let change = |zone: &str, at, usd| PriceChange { zone: zone.into(), at: Timestamp(at), usd };
    let kind = || Kind { instance_type: String::new(), product: String::new() };
    let mut history = History::new(
        kind(),
        [change("a", 10, 0.1), change("b", 50, 0.5), change("a", 30, 0.3), change("a", 20, 0.2), change("a", 20, 0.9)],
    );
    assert_eq!(flat(&history), [("a", 10, 0.1), ("a", 20, 0.9), ("a", 30, 0.3), ("b", 50, 0.5)]);
    history.since(Timestamp(25));
    assert_eq!(flat(&history), [("a", 20, 0.9), ("a", 30, 0.3), ("b", 50, 0.5)]);
    history.since(Timestamp(20));
    assert_eq!(flat(&history), [("a", 20, 0.9), ("a", 30, 0.3), ("b", 50, 0.5)]);
    history.since(Timestamp(99));
    assert_eq!(flat(&history), [("a", 30, 0.3), ("b", 50, 0.5)]);
}

proptest! {
    /// Both forms give back what was written, whatever the order and however it is cut into reads.
    #[test]
    fn what_is_written_is_read(
        list in proptest::collection::vec(("[a-c]", 0_i64..4_000_000_000, 0.0..100.0_f64), 1..20),
        piece in 1_usize..40,
    ) {
        let (mut json, mut table) = (String::from("{\"SpotPriceHistory\": ["), String::from("zone,at,usd\n"));
        for (index, (zone, at, usd)) in list.iter().enumerate() {
            let comma = if index == 0 { "" } else { "," };
            json += &format!("{comma}\n{{\"AvailabilityZone\":\"{zone}\",\"Timestamp\":{at},\"SpotPrice\":\"{usd}\"}}");
            table += &format!("{zone},{at},{usd}\n");
        }
        json += "]}";
        let kind = Kind { instance_type: String::new(), product: String::new() };
        let changes = list.iter().map(|(zone, at, usd)| PriceChange { zone: zone.clone(), at: Timestamp(*at), usd: *usd });
        let expected = History::new(kind, changes);
        for text in [json, table] {
            let input = BufReader::with_capacity(piece, text.as_bytes());
            let history = History::read("prices", input, Wanted::default()).expect("a history");
            prop_assert_eq!(&history, &expected);
            for zone in history.zones.values() {
                prop_assert!(zone.is_sorted_by(|a, b| a.at > b.at));
            }
        }
    }

    /// Whatever is in a file, it is read or refused; nothing panics.
    #[test]
    fn anything_is_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..200), piece in 1_usize..40) {
        let _ = History::read("prices", BufReader::with_capacity(piece, &bytes[..]), Wanted::default());
    }

    /// The same for what is nearly right.
    #[test]
    fn a_damaged_page_is_read_or_refused(at in 0..PAGE.len(), with in "[\\[\\]{}\",:0-9eE.+-]{0,3}", cut in 0_usize..4) {
        let end = (at + cut).min(PAGE.len());
        let text = format!("{}{with}{}", &PAGE[..at], &PAGE[end..]);
        match read_all(&text, Wanted::default()) {
            Ok(history) => prop_assert!(!history.zones.is_empty()),
            Err(HistoryError::Malformed { line, .. }) => prop_assert!((1..=19).contains(&line), "line {line} of\n{text}"),
            Err(_) => {}
        }
    }
}
