//! Charts for a page, as SVG: alone in a file, or within HTML. Colours follow the reader's light or dark; lines differ in their
//! dashes too, and are named where they end; a title and a description say in words what is seen.

use std::fmt::Write as _;

use spot_policy::Timestamp;

use super::page::escape;
use super::{Bar, Mark, Span, Steps, scale};

/// How all charts look. A page holds it once.
pub const STYLE: &str = include_str!("style.css");

/// So many series look different.
const LOOKS: usize = 8;

const WIDTH: f64 = 860.0;
const LEFT: f64 = 56.0;
const RIGHT: f64 = 150.0;
const TOP: f64 = 30.0;
const BOTTOM: f64 = 28.0;
/// What is left to draw in.
const PLOT: f64 = WIDTH - LEFT - RIGHT;

/// What a chart is about.
#[derive(Debug, Clone, Copy)]
pub struct Figure<'a> {
    /// In a few words, above it.
    pub title: &'a str,
    /// What it shows, for those who do not see it.
    pub description: &'a str,
    /// What its values are: `USD per hour`.
    pub unit: &'a str,
}

/// A chart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Drawing {
    /// The attributes of the root but for its namespace.
    root: String,
    content: String,
}

impl Drawing {
    fn new(figure: Figure<'_>, height: f64, content: String) -> Self {
        let (title, description) = (escape(figure.title), escape(figure.description));
        Self {
            root: format!(
                "class=\"chart\" role=\"img\" aria-label=\"{title}: {description}\" width=\"{WIDTH}\" height=\"{height}\" \
                 viewBox=\"0 0 {WIDTH} {height}\""
            ),
            content: format!(
                "<title>{title}</title>\n<desc>{description}</desc>\n<text x=\"0\" y=\"14\" font-weight=\"600\">{title}</text>\n\
                 {content}"
            ),
        }
    }

    /// For a page that has [`STYLE`].
    pub fn inline(&self) -> String {
        format!("<svg {}>\n{}</svg>\n", self.root, self.content)
    }

    /// As a file of its own.
    pub fn standalone(&self) -> String {
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" {}>\n<style>\n{STYLE}</style>\n\
             <rect width=\"100%\" height=\"100%\" style=\"fill: var(--paper)\"/>\n{}</svg>\n",
            self.root, self.content
        )
    }
}

/// Lines that go in steps, and the levels they are compared with.
pub fn lines(figure: Figure<'_>, span: Span, series: &[Steps], marks: &[Mark]) -> Drawing {
    let (height, top) = (320.0, scale::top(series, marks, span));
    let mut plot = Plot::new(span, top, height, figure.unit);
    // Names begin to the right of the line's end, and do not lie on each other.
    let mut names: Vec<(f64, String, String)> = Vec::new();
    for mark in marks {
        let y = plot.y(mark.value);
        let _ = writeln!(plot.content, "<path class=\"mark\" d=\"M{LEFT} {y:.1}H{:.1}\"/>", LEFT + PLOT);
        names.push((y, "of-mark".into(), mark.label.clone()));
    }
    for (index, steps) in series.iter().enumerate() {
        let look = index % LOOKS;
        let _ = writeln!(
            plot.content,
            "<path class=\"line l{look}\" d=\"{}\"><title>{}</title></path>",
            plot.path(steps),
            escape(&steps.label)
        );
        if let Some(end) = steps.at(span.end) {
            names.push((plot.y(end), format!("f{look}"), steps.label.clone()));
        }
    }
    plot.names(names);
    Drawing::new(figure, height, plot.content)
}

/// Areas on top of each other, such as a fleet by market.
pub fn stack(figure: Figure<'_>, span: Span, layers: &[Steps]) -> Drawing {
    let height = 240.0;
    let mut moments: Vec<Timestamp> = layers.iter().flat_map(|layer| layer.points.iter().map(|(at, _)| *at)).collect();
    moments.push(span.start);
    moments.sort_unstable();
    moments.dedup();
    let sum = |upto: usize| Steps { label: String::new(), points: sums(&layers[..upto], &moments) };
    let all = sum(layers.len());
    let mut plot = Plot::new(span, scale::top(std::slice::from_ref(&all), &[], span), height, figure.unit);
    let mut names = Vec::new();
    // From behind to the front: each layer covers the part of the sum that belongs to those below it.
    for (index, layer) in layers.iter().enumerate().rev() {
        let (look, outline) = (index % LOOKS, sum(index + 1));
        let (left, right, bottom) = (LEFT, LEFT + PLOT, plot.y(0.0));
        let _ = writeln!(
            plot.content,
            "<path class=\"layer f{look}\" d=\"M{left} {bottom:.1}{}V{bottom:.1}H{left}Z\"><title>{}</title></path>",
            plot.steps(&outline, &format!("H{left}"), right),
            escape(&layer.label)
        );
        let below = if index == 0 { 0.0 } else { sum(index).at(span.end).unwrap_or(0.0) };
        let middle = (outline.at(span.end).unwrap_or(0.0) + below) / 2.0;
        names.push((plot.y(middle), format!("f{look}"), layer.label.clone()));
    }
    plot.names(names);
    Drawing::new(figure, height, plot.content)
}

/// The sum of the layers at each of these moments.
fn sums(layers: &[Steps], moments: &[Timestamp]) -> Vec<(Timestamp, f64)> {
    let mut sums: Vec<_> = moments.iter().map(|at| (*at, 0.0)).collect();
    for layer in layers {
        let (mut points, mut value) = (layer.points.iter().peekable(), 0.0);
        for (at, sum) in &mut sums {
            while let Some((_, next)) = points.next_if(|(change, _)| change <= at) {
                value = *next;
            }
            *sum += value;
        }
    }
    sums
}

/// Values beside each other, each with its name and its words.
pub fn bars(figure: Figure<'_>, bars: &[Bar]) -> Drawing {
    const ROW: f64 = 26.0;
    const NAME: f64 = 220.0;
    let most = bars.iter().map(|bar| bar.value).fold(0.0, f64::max);
    let mut content = String::new();
    for (index, bar) in bars.iter().enumerate() {
        let y = TOP + index as f64 * ROW;
        let length = if most > 0.0 { bar.value.max(0.0) / most * (WIDTH - NAME - RIGHT) } else { 0.0 };
        let (name, words) = (escape(&bar.label), escape(&bar.text));
        let _ = writeln!(
            content,
            "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{name}</text>\
             <rect class=\"f{}\" x=\"{NAME}\" y=\"{y:.1}\" width=\"{length:.1}\" height=\"18\"/>\
             <text x=\"{:.1}\" y=\"{:.1}\">{words}</text>",
            NAME - 8.0,
            y + 13.0,
            usize::from(index > 0),
            NAME + length + 6.0,
            y + 13.0,
        );
    }
    Drawing::new(figure, TOP + bars.len() as f64 * ROW + 8.0, content)
}

/// The axes, and what is drawn within them.
struct Plot {
    span: Span,
    top: f64,
    height: f64,
    content: String,
}

impl Plot {
    fn new(span: Span, top: f64, height: f64, unit: &str) -> Self {
        let mut plot = Self { span, top, height, content: String::new() };
        let (decimals, right) = (scale::decimals(top), LEFT + PLOT);
        for value in scale::values(top, 5) {
            let y = plot.y(value);
            let _ = writeln!(
                plot.content,
                "<path class=\"grid\" d=\"M{LEFT} {y:.1}H{right}\"/><text class=\"soft\" x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{value:.decimals$}</text>",
                LEFT - 6.0,
                y + 4.0,
            );
        }
        let bottom = plot.y(0.0);
        let _ =
            writeln!(plot.content, "<text class=\"soft\" x=\"{:.1}\" y=\"14\">{}</text>", right + 8.0, escape(unit));
        for (at, name) in scale::times(span, 8) {
            let x = plot.x(at);
            let _ = writeln!(
                plot.content,
                "<path class=\"axis\" d=\"M{x:.1} {bottom:.1}v4\"/><text class=\"soft\" x=\"{x:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{name}</text>",
                bottom + 17.0,
            );
        }
        let _ = writeln!(plot.content, "<path class=\"axis\" d=\"M{LEFT} {bottom:.1}H{right}\"/>");
        plot
    }

    fn x(&self, at: Timestamp) -> f64 {
        LEFT + self.span.share(at) * PLOT
    }

    /// Where a value is; what is above the top is at the top.
    fn y(&self, value: f64) -> f64 {
        self.height - BOTTOM - (value / self.top).clamp(0.0, 1.0) * (self.height - BOTTOM - TOP)
    }

    /// The line of a series.
    fn path(&self, steps: &Steps) -> String {
        let begin = steps.points.first().map_or(self.span.start, |(at, _)| (*at).max(self.span.start));
        self.steps(steps, &format!("M{:.1}", self.x(begin)), LEFT + PLOT)
    }

    /// Steps as path commands, up to `right`. `first` goes to the x of the first value, and takes its y: `M` or `H`.
    fn steps(&self, steps: &Steps, first: &str, right: f64) -> String {
        let within = |at: Timestamp| at > self.span.start && at <= self.span.end;
        let changes = steps.points.iter().filter(|(at, _)| within(*at)).count();
        let y_of = |value: f64, path: &str| {
            let y = self.y(value);
            if path.is_empty() && first.starts_with('M') { format!("{first} {y:.1}") } else { format!("V{y:.1}") }
        };
        let mut path = String::new();
        if first.starts_with('H') {
            let _ = write!(path, "{first}");
        }
        if changes as f64 > 2.0 * PLOT {
            // More changes than there are points: of each point's width, from the lowest to the highest, and on from the mean.
            for (point, bucket) in steps.buckets(self.span, PLOT as usize).into_iter().enumerate() {
                if let Some(bucket) = bucket {
                    let start = y_of(bucket.low, &path);
                    let x = LEFT + point as f64 + 1.0;
                    let _ = write!(path, "{start}V{:.1}V{:.1}H{x:.1}", self.y(bucket.high), self.y(bucket.mean));
                }
            }
            return path;
        }
        if let Some(value) = steps.at(self.span.start) {
            path += &y_of(value, &path);
        }
        for (at, value) in steps.points.iter().filter(|(at, _)| within(*at)) {
            if path.is_empty() {
                path = y_of(*value, &path);
            } else {
                let _ = write!(path, "H{:.1}V{:.1}", self.x(*at), self.y(*value));
            }
        }
        if !path.is_empty() {
            let _ = write!(path, "H{right:.1}");
        }
        path
    }

    /// The names at the right of what they name, kept apart.
    fn names(&mut self, mut names: Vec<(f64, String, String)>) {
        const APART: f64 = 14.0;
        names.sort_by(|a, b| a.0.total_cmp(&b.0));
        let lowest = self.height - BOTTOM;
        let mut above = f64::NEG_INFINITY;
        for name in &mut names {
            name.0 = name.0.max(above + APART);
            above = name.0;
        }
        // What was pushed out at the bottom goes up again.
        let mut below = lowest + APART;
        for name in names.iter_mut().rev() {
            name.0 = name.0.min(below - APART);
            below = name.0;
        }
        for (y, class, name) in names {
            let x = LEFT + PLOT + 8.0;
            let _ = writeln!(
                self.content,
                "<text class=\"{class}\" x=\"{x:.1}\" y=\"{:.1}\">{}</text>",
                y + 4.0,
                escape(&name)
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn steps(label: &str, points: &[(i64, f64)]) -> Steps {
        Steps { label: label.into(), points: points.iter().map(|(at, value)| (Timestamp(*at), *value)).collect() }
    }

    const FIGURE: Figure<'static> = Figure { title: "a < b", description: "\"c\" & d", unit: "USD per hour" };

    fn span() -> Span {
        Span { start: Timestamp(0), end: Timestamp(654) }
    }

    #[test]
    fn a_step_goes_across_and_then_up() {
        let plot = Plot::new(span(), 1.0, 320.0, "");
        // 654 seconds on 654 points: a second is a point; 262 points high.
        assert_eq!(
            plot.path(&steps("a", &[(-9, 0.5), (100, 1.0), (200, 0.0)])),
            "M56.0 161.0H156.0V30.0H256.0V292.0H710.0"
        );
        assert_eq!(plot.path(&steps("a", &[(100, 1.0)])), "M156.0 30.0H710.0", "not known before");
        assert_eq!(plot.path(&steps("a", &[])), "");
        assert_eq!(plot.path(&steps("a", &[(0, 5.0)])), "M56.0 30.0H710.0", "cut off at the top");
    }

    #[test]
    fn texts_cannot_break_out() {
        let series = [steps("<script>", &[(0, 1.0)])];
        let marks = [Mark { label: "</svg>".into(), value: 0.5 }];
        let bar = [Bar { label: "<b>".into(), value: 1.0, text: "<i>".into() }];
        for drawing in [lines(FIGURE, span(), &series, &marks), stack(FIGURE, span(), &series), bars(FIGURE, &bar)] {
            let text = drawing.standalone();
            for wrong in ["<script", "</svg></", "<b>", "<i>", "a < b", "\"c\" & d"] {
                assert!(!text.contains(wrong), "{wrong} in\n{text}");
            }
            assert_eq!(text.matches("</svg>").count(), 1);
            assert!(text.contains("<title>a &lt; b</title>\n<desc>&quot;c&quot; &amp; d</desc>"));
            assert!(!text.replace("http://www.w3.org/2000/svg", "").contains("http"), "nothing from elsewhere");
        }
    }

    #[test]
    fn layers_lie_on_each_other() {
        let layers = [steps("Spot", &[(0, 1.0), (100, 0.0)]), steps("On-Demand", &[(100, 2.0), (300, 0.0)])];
        let moments = [0, 100, 300].map(Timestamp);
        assert_eq!(sums(&layers, &moments), [(Timestamp(0), 1.0), (Timestamp(100), 2.0), (Timestamp(300), 0.0)]);
    }

    proptest! {
        /// However many changes there are, a picture stays small and within itself.
        #[test]
        fn a_picture_is_bounded(list in proptest::collection::vec((-500_i64..1_000, 0.0..1e6_f64), 0..3_000)) {
            let mut list = list;
            list.sort_by_key(|(at, _)| *at);
            let series = [steps("a", &list), steps("b", &list)];
            for drawing in [lines(FIGURE, span(), &series, &[]), stack(FIGURE, span(), &series)] {
                let text = drawing.inline();
                prop_assert!(text.len() < 150_000, "{}", text.len());
                prop_assert!(!text.contains("NaN") && !text.contains("inf"));
            }
        }
    }
}
