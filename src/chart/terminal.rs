//! Charts in the letters of a terminal. Shape says everything; colour, where there is any, says it again.

use super::{Bar, Mark, Span, Steps, scale};

/// What a part of a chart is, for whoever paints it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    /// A title.
    Title,
    /// Axes and their words.
    Axis,
    /// A value; of several layers the first.
    Value,
    /// A value above the first mark; of several layers the second.
    Over,
    /// A mark.
    Mark,
}

/// A cell of a chart: a letter and what it is.
type Cell = (char, Tone);

/// Bars by eighths of a line's height.
const EIGHTHS: [char; 9] = [' ', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// Layers, told apart by how dense they are.
const LAYERS: [(char, Tone); 3] = [('█', Tone::Value), ('▒', Tone::Over), ('░', Tone::Axis)];

/// Narrower than this nothing can be read.
const NARROWEST: usize = 40;

/// One series as a row of columns as high as its mean, with dots up to its highest; a mark is a dashed line, which higher columns
/// cross. An arrow says that a column goes on beyond the top.
#[derive(Debug, Clone, Copy)]
pub struct Panel<'a> {
    /// What is drawn.
    pub series: &'a Steps,
    /// From when to when.
    pub span: Span,
    /// What it is compared with; values above the first are over.
    pub marks: &'a [Mark],
    /// Where the axis ends: the same for all panels that are compared, by [`scale::top`].
    pub top: f64,
    /// Lines high.
    pub height: usize,
}

/// Draws a panel in at most `width` letters a line.
pub fn panel(panel: Panel<'_>, width: usize, paint: impl Fn(Tone, &str) -> String) -> Vec<String> {
    let frame = Frame::new(panel.top, panel.height, panel.span, panel.marks, width);
    let per_row = panel.top / frame.height as f64;
    let rows = |value: f64| value / per_row;
    let limit = panel.marks.first().map_or(f64::INFINITY, |mark| mark.value);
    let buckets = panel.series.buckets(panel.span, frame.plot);
    let cell = |row: usize, column: usize| -> Option<Cell> {
        let bucket = buckets[column]?;
        let below = row as f64;
        let tone = |value: f64| if value > limit { Tone::Over } else { Tone::Value };
        if row + 1 == frame.height && bucket.high > panel.top {
            return Some(('▲', tone(bucket.high)));
        }
        let filled = ((rows(bucket.mean) - below) * 8.0).round();
        // Something that costs little is not nothing.
        let filled = if row == 0 && bucket.mean > 0.0 { filled.max(1.0) } else { filled };
        if filled >= 1.0 {
            return Some((EIGHTHS[(filled as usize).min(8)], tone(bucket.mean)));
        }
        (rows(bucket.high) - below > 0.25).then_some(('·', tone(bucket.high)))
    };
    let mut lines = vec![paint(Tone::Title, &panel.series.label)];
    lines.extend(frame.draw(cell, paint));
    lines
}

/// Layers on top of each other, such as a fleet by market; each in its own density, named in the first line.
pub fn stack(
    title: &str,
    layers: &[Steps],
    span: Span,
    height: usize,
    width: usize,
    paint: impl Fn(Tone, &str) -> String,
) -> Vec<String> {
    let all = LAYERS.iter().cycle().zip(layers);
    let columns = Frame::plot(width);
    let buckets: Vec<_> = layers.iter().map(|layer| layer.buckets(span, columns)).collect();
    let mean = |layer: usize, column: usize| buckets[layer][column].map_or(0.0, |bucket| bucket.mean);
    let highest =
        (0..columns).map(|column| (0..layers.len()).map(|layer| mean(layer, column)).sum()).fold(0.0, f64::max);
    let top = if highest > 0.0 { highest } else { 1.0 };
    let frame = Frame::new(top, height, span, &[], width);
    let cell = |row: usize, column: usize| {
        // A cell belongs to the layer that its middle is in.
        let middle = (row as f64 + 0.5) * top / frame.height as f64;
        let mut below = 0.0;
        (0..layers.len()).find_map(|layer| {
            below += mean(layer, column);
            (middle < below).then(|| LAYERS[layer % LAYERS.len()])
        })
    };
    let names: Vec<_> = all.map(|((letter, tone), layer)| paint(*tone, &format!("{letter} {}", layer.label))).collect();
    let mut lines = vec![format!("{}  {}", paint(Tone::Title, title), names.join("  "))];
    lines.extend(frame.draw(cell, paint));
    lines
}

/// Values beside each other, each with its words.
pub fn bars(bars: &[Bar], width: usize, paint: impl Fn(Tone, &str) -> String) -> Vec<String> {
    let letters = |text: &str| text.chars().count();
    let label = bars.iter().map(|bar| letters(&bar.label)).max().unwrap_or(0);
    let text = bars.iter().map(|bar| letters(&bar.text)).max().unwrap_or(0);
    let room = width.saturating_sub(label + text + 4).max(8);
    let most = bars.iter().map(|bar| bar.value).fold(0.0, f64::max);
    bars.iter()
        .map(|bar| {
            let eighths = if most > 0.0 { (bar.value.max(0.0) / most * room as f64 * 8.0).round() as usize } else { 0 };
            // Bars that lie have their eighths from the left.
            let rest = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"][eighths % 8];
            let drawn = "█".repeat(eighths / 8) + rest;
            let gap = " ".repeat(room.saturating_sub(letters(&drawn)));
            format!("{:<label$}  {}{gap}  {:>text$}", bar.label, paint(Tone::Value, &drawn), bar.text)
        })
        .collect()
}

/// The axes around a chart, and the marks in it.
struct Frame {
    height: usize,
    plot: usize,
    /// Above the axis of time, from the bottom: the words at the left, whether a mark runs through, the words at the right.
    rows: Vec<Row>,
    times: String,
}

#[derive(Default)]
struct Row {
    left: String,
    marked: bool,
    right: String,
}

/// Letters for the values at the left, and for the marks' words at the right.
const LEFT: usize = 7;
const RIGHT: usize = 18;

impl Frame {
    /// How many columns there are to draw in.
    fn plot(width: usize) -> usize {
        width.max(NARROWEST) - LEFT - 2 - RIGHT - 1
    }

    fn new(top: f64, height: usize, span: Span, marks: &[Mark], width: usize) -> Self {
        let (height, plot) = (height.max(2), Self::plot(width));
        let decimals = scale::decimals(top);
        let row_of = |value: f64| ((value / top * height as f64) as usize).min(height - 1);
        let mut rows: Vec<Row> = (0..height).map(|_| Row::default()).collect();
        for value in scale::values(top, height / 2) {
            rows[row_of(value)].left = format!("{value:.decimals$}");
        }
        for mark in marks.iter().filter(|mark| mark.value <= top) {
            let row = &mut rows[row_of(mark.value)];
            row.marked = true;
            let words = format!("{} {}", mark.label, usd(mark.value));
            row.right = if row.right.is_empty() { words } else { format!("{}, {words}", row.right) };
        }
        for row in &mut rows {
            if row.right.chars().count() > RIGHT {
                row.right = row.right.chars().take(RIGHT - 1).chain(['…']).collect();
            }
        }
        Self { height, plot, rows, times: times(span, plot) }
    }

    /// The lines, from the top.
    fn draw(
        &self,
        cell: impl Fn(usize, usize) -> Option<Cell>,
        paint: impl Fn(Tone, &str) -> String,
    ) -> impl Iterator<Item = String> {
        let mut lines = Vec::with_capacity(self.height + 2);
        for (index, row) in self.rows.iter().enumerate().rev() {
            let mut line =
                paint(Tone::Axis, &format!("{:>LEFT$} {}", row.left, if row.left.is_empty() { '│' } else { '┤' }));
            let (mut run, mut tone) = (String::new(), Tone::Axis);
            for column in 0..self.plot {
                let empty = if row.marked { ('╌', Tone::Mark) } else { (' ', Tone::Axis) };
                let (letter, of) = cell(index, column).unwrap_or(empty);
                if of != tone && !run.is_empty() {
                    line += &paint(tone, &std::mem::take(&mut run));
                }
                tone = of;
                run.push(letter);
            }
            line += &paint(tone, &run);
            if row.marked {
                line += &paint(Tone::Mark, &format!(" {}", row.right));
            }
            lines.push(line.trim_end().to_owned());
        }
        lines.push(paint(Tone::Axis, &format!("{:LEFT$} └{}", "", "─".repeat(self.plot))));
        lines.push(paint(Tone::Axis, &format!("{:LEFT$}  {}", "", self.times)));
        lines.into_iter()
    }
}

/// A price as short as it can be, with up to four decimals.
fn usd(value: f64) -> String {
    let text = format!("{value:.4}");
    let short = text.trim_end_matches('0');
    // Cents are two digits.
    let decimals = short.split_once('.').map_or(0, |(_, decimals)| decimals.len());
    format!("{value:.*}", decimals.max(2))
}

/// The words under the axis of time, each beginning at its moment.
fn times(span: Span, plot: usize) -> String {
    let mut line = String::new();
    for (at, name) in scale::times(span, plot / 10) {
        let column = (span.share(at) * (plot as f64 - 1.0)).round() as usize;
        let used = line.chars().count();
        // The words of a moment do not run into the next, nor out of the chart.
        if (used == 0 || column > used) && column + name.chars().count() <= plot + RIGHT {
            line += &" ".repeat(column - used);
            line += &name;
        }
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use spot_policy::Timestamp;

    /// 2026-11-23T20:00:00Z.
    const EIGHT: i64 = 1_795_464_000;

    fn plain(_: Tone, text: &str) -> String {
        text.to_owned()
    }

    fn steps(label: &str, points: &[(i64, f64)]) -> Steps {
        let points = points.iter().map(|(hours, value)| (Timestamp(EIGHT + hours * 3_600), *value)).collect();
        Steps { label: label.into(), points }
    }

    fn day() -> Span {
        Span { start: Timestamp(EIGHT), end: Timestamp(EIGHT + 86_400) }
    }

    #[test]
    fn a_panel_reads_without_colours() {
        let series = steps("eu-west-1a", &[(2, 0.30), (8, 0.42), (12, 0.70), (13, 5.0), (15, 0.0), (20, 0.01)]);
        let marks = [Mark { label: "max price".into(), value: 0.55 }];
        let top = scale::top(std::slice::from_ref(&series), &marks, day());
        let drawn = panel(Panel { series: &series, span: day(), marks: &marks, top, height: 6 }, 80, plain).join("\n");
        snapbox::assert_data_eq!(
            drawn,
            snapbox::str![[r#"
eu-west-1a
        │                            ▲▲▲▲▲
        │                          ▇▇█████
   0.50 ┤╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌███████╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌ max price 0.55
        │    ▁▁▁▁▁▁▁▁▁▁▁▁▁▅▇▇▇▇▇▇▇▇███████
        │    █████████████████████████████
   0.00 ┤    █████████████████████████████          ▁▁▁▁▁▁▁▁▁
        └────────────────────────────────────────────────────
                  24 Nov      06:00        12:00        18:00
"#]]
        );
    }

    #[test]
    fn layers_are_told_apart_by_their_density() {
        let layers =
            [steps("Spot", &[(0, 2.0), (12, 0.0)]), steps("On-Demand", &[(0, 0.0), (11, 1.0), (12, 3.0), (20, 0.0)])];
        let drawn = stack("workers", &layers, day(), 4, 60, plain).join("\n");
        snapbox::assert_data_eq!(
            drawn,
            snapbox::str![[r#"
workers  █ Spot  ▒ On-Demand
        │               ▒▒▒▒▒▒▒▒▒▒▒
   2.00 ┤████████████████▒▒▒▒▒▒▒▒▒▒▒
        │████████████████▒▒▒▒▒▒▒▒▒▒▒
   0.00 ┤████████████████▒▒▒▒▒▒▒▒▒▒▒
        └────────────────────────────────
              24 Nov          12:00
"#]]
        );
    }

    #[test]
    fn bars_are_as_long_as_their_values() {
        let bar = |label: &str, value: f64| Bar { label: label.into(), value, text: format!("{value} USD") };
        let drawn =
            bars(&[bar("spotstack", 12.5), bar("always On-Demand", 40.0), bar("none", 0.0)], 50, plain).join("\n");
        snapbox::assert_data_eq!(
            drawn,
            snapbox::str![[r#"
spotstack         ██████▉                 12.5 USD
always On-Demand  ██████████████████████    40 USD
none                                         0 USD
"#]]
        );
        assert!(bars(&[], 80, plain).is_empty());
    }

    proptest! {
        /// Whatever is drawn at whatever width, no line is longer.
        #[test]
        fn nothing_is_wider_than_it_may_be(
            list in proptest::collection::vec((-5_i64..30, 0.0..1e4_f64), 0..9), mark in 0.0..1e4_f64, width in 0_usize..200, height in 0_usize..12,
        ) {
            let mut list = list;
            list.sort_by_key(|(at, _)| *at);
            let series = steps("a", &list);
            let marks = [Mark { label: "On-Demand".into(), value: mark }, Mark { label: "limit".into(), value: mark / 2.0 }];
            let top = scale::top(std::slice::from_ref(&series), &marks, day());
            let drawn = panel(Panel { series: &series, span: day(), marks: &marks, top, height }, width, plain);
            let layers = stack("a", &[series.clone(), series], day(), height, width, plain);
            for line in drawn.iter().chain(&layers) {
                prop_assert!(line.chars().count() <= width.max(NARROWEST), "{line}");
            }
        }
    }
}
