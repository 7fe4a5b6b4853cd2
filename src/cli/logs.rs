//! `spotstack logs`: what the SpotManagers decided, and why.

use std::collections::{BTreeMap, HashSet};
use std::time::{Duration, SystemTime};

use dialoguer::console::{Style, Term};
use miette::miette;
use spot_policy::{Seconds, Timestamp};

use super::account::{account, block_on};
use super::output::{Reader, print_line};
use super::style::{Paint, columns, folding};
use super::{Exit, Global, Result, milliseconds, pairs_asked, plan};
use crate::aws::Account;
use crate::deploy::text::{count, moment};
use crate::deploy::{Cloud, CloudError, PairName};
use crate::neutral::{neutral, neutral_json};
use crate::observe::log::{Sound, lines};
use crate::observe::{Entry, LogLine};

/// How often `--follow` looks.
const EVERY: Duration = Duration::from_secs(3);

/// CloudWatch Logs may show a line late: this far back `--follow` looks again.
const LATE: Duration = Duration::from_secs(60);

/// Show what the SpotManagers decided, and why
///
/// One run after the other, from the functions' logs. A look that finds what the last one found is counted, not shown; --all shows each. The records (--raw) can be given to
/// `spotstack explain --situation` and `spotstack simulate`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The pair, by its name in the spec; else all of them
    pair: Option<String>,
    /// Go on with what comes, until Ctrl-C
    #[arg(long)]
    follow: bool,
    /// How far back, such as 30m or 2d
    #[arg(long, value_name = "DURATION", default_value = "1h")]
    since: Seconds,
    /// The lines as the functions wrote them: one JSON record for each run
    #[arg(long)]
    raw: bool,
    /// Show each look, also those that found nothing new
    #[arg(long, conflicts_with = "raw")]
    all: bool,
}

/// One pair's log, read from where it was left.
struct Tail<'a> {
    pair: PairName<'a>,
    group: String,
    /// Milliseconds since 1970.
    from: i64,
    told: HashSet<String>,
}

impl Tail<'_> {
    /// What is new, oldest first.
    async fn read(&mut self, account: &Account) -> std::result::Result<Vec<LogLine>, CloudError> {
        let (mut news, mut token) = (Vec::new(), None);
        loop {
            let page = account.log(&self.group, self.from, token.as_deref()).await?;
            news.extend(page.lines);
            token = page.next;
            if token.is_none() {
                break;
            }
        }
        news.retain(|line| self.told.insert(line.id.clone()));
        // What came long ago does not come again.
        if let Some(newest) = news.iter().map(|line| line.at).max() {
            let late = i64::try_from(LATE.as_millis()).unwrap_or(i64::MAX);
            self.from = self.from.max(newest.saturating_sub(late));
        }
        Ok(news)
    }
}

pub(super) fn run(args: &Args, global: &Global) -> Result<Exit> {
    let plan = plan(global)?;
    let pairs = pairs_asked(&plan, args.pair.as_deref())?;
    block_on(async {
        let account = account(global, &plan).await?;
        let stack = account.stack(&plan.stack).await?;
        let stack = stack.ok_or_else(|| {
            miette!(help = "`spotstack deploy` makes it", "there is no stack `{}`, and so no log", plan.stack)
        })?;
        let resources = account.resources(&stack.arn).await?;
        let groups: BTreeMap<_, _> =
            resources.into_iter().filter_map(|resource| Some((resource.logical_id, resource.physical_id?))).collect();
        let from = began(args.since).saturating_mul(1_000);
        let tail = |pair| match groups.get(&log_id(pair)) {
            Some(group) => Ok(Tail { pair, group: group.clone(), from, told: HashSet::new() }),
            None => Err(miette!(
                help = "`spotstack status` says more",
                "the stack `{}` ({}) has no log for `{}`",
                stack.name,
                stack.status,
                pair.name
            )),
        };
        let mut tails: Vec<_> = pairs.iter().map(|pair| tail(PairName::of(pair))).collect::<Result<_>>()?;
        let mut teller = Teller::new(args, global, tails.len() > 1);
        let mut lost = false;
        loop {
            let read = futures_util::future::join_all(tails.iter_mut().map(async |tail| {
                let pair = tail.pair.name;
                tail.read(&account).await.map(|lines| (pair, lines))
            }));
            match read.await.into_iter().collect::<std::result::Result<Vec<_>, _>>() {
                Ok(news) => {
                    lost = false;
                    if teller.tell(news)? == Reader::Gone {
                        return Ok(Exit::Done);
                    }
                }
                // What passes is waited for; what was not read comes with the next look.
                Err(error) if args.follow && error.is_passing() => {
                    if !std::mem::replace(&mut lost, true) {
                        global.say(&format!("no answer, trying again: {error}"));
                    }
                }
                Err(error) => return Err(error.into()),
            }
            if !args.follow {
                teller.end(args.since)?;
                return Ok(Exit::Done);
            }
            tokio::select! {
                () = tokio::time::sleep(EVERY) => {}
                _ = tokio::signal::ctrl_c() => {
                    teller.end_of_repetition()?;
                    return Ok(Exit::Done);
                }
            }
        }
    })
}

/// A log group's name in the template.
fn log_id(pair: PairName<'_>) -> String {
    format!("{}SpotManagerLogs", pair.id)
}

/// The moment so long ago, in seconds since 1970.
fn began(since: Seconds) -> i64 {
    let now = milliseconds(SystemTime::now()) / 1_000;
    now.saturating_sub(i64::try_from(since.0).unwrap_or(i64::MAX))
}

/// Tells lines to whoever reads, and remembers what was said last of each pair.
struct Teller<'a> {
    global: &'a Global,
    raw: bool,
    all: bool,
    named: bool,
    paint: Paint,
    told: usize,
    last: BTreeMap<String, Entry>,
    repeated: usize,
}

impl<'a> Teller<'a> {
    fn new(args: &Args, global: &'a Global, named: bool) -> Self {
        Self {
            global,
            raw: args.raw,
            all: args.all,
            named,
            paint: global.paint(),
            told: 0,
            last: BTreeMap::new(),
            repeated: 0,
        }
    }

    /// What is new of every pair, in the order in which it happened.
    fn tell(&mut self, news: Vec<(&str, Vec<LogLine>)>) -> Result<Reader> {
        let mut all: Vec<_> =
            news.into_iter().flat_map(|(pair, lines)| lines.into_iter().map(move |line| (pair, line))).collect();
        all.sort_by_key(|(_, line)| line.at);
        for (pair, line) in all {
            if self.line(pair, &line)? == Reader::Gone {
                return Ok(Reader::Gone);
            }
        }
        Ok(Reader::There)
    }

    fn line(&mut self, pair: &str, line: &LogLine) -> Result<Reader> {
        let entry = Entry::read(&line.message);
        if self.raw {
            // AWS Lambda's own remarks are no records.
            if entry == Entry::Remark {
                return Ok(Reader::There);
            }
            self.told += 1;
            return print_line(&neutral_json(line.message.trim_end()));
        }
        let Some(lines) = lines(self.named.then_some(pair), line.at, &entry) else { return Ok(Reader::There) };
        let repeats = !self.all && self.last.get(pair).is_some_and(|last| entry.repeats(last));
        if repeats {
            self.repeated += 1;
            return Ok(Reader::There);
        }
        self.end_of_repetition()?;
        self.last.insert(pair.to_owned(), entry);
        self.told += 1;
        let lines = lines.into_iter().map(|(sound, text)| {
            let style = match sound {
                Sound::Loud => Style::new().green(),
                Sound::Plain => Style::new(),
                Sound::Quiet => Style::new().dim(),
                Sound::Warning => Style::new().yellow(),
                Sound::Bad => Style::new().red(),
            };
            // Under its own head, where a terminal would break it anywhere.
            let text = match columns(&Term::stdout()) {
                Some(columns) => textwrap::fill(&neutral(&text), folding(columns).subsequent_indent("      ")),
                None => neutral(&text).into_owned(),
            };
            self.paint.text(style, &text)
        });
        print_line(&lines.collect::<Vec<_>>().join("\n"))
    }

    /// Says how many looks found the same.
    fn end_of_repetition(&mut self) -> Result<Reader> {
        let looks = std::mem::take(&mut self.repeated);
        if looks == 0 {
            return Ok(Reader::There);
        }
        let text = format!("    … and {} that found the same", count(looks, "look"));
        print_line(&self.paint.text(Style::new().dim(), &text))
    }

    fn end(&mut self, since: Seconds) -> Result<Reader> {
        if self.told == 0 {
            let from = moment(Timestamp(began(since)));
            self.global.say(&format!("nothing in the log since {from}; --since looks further back"));
        }
        self.end_of_repetition()
    }
}
