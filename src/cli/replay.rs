//! A recorded deployment, drawn again without AWS.

use std::path::Path;
use std::time::Duration;

use miette::WrapErr;

use super::account::block_on;
use super::input::Input;
use super::terminal::Terminal;
use super::watching::Show;
use super::{Exit, Global, Result};
use crate::deploy::cause::Cause;
use crate::deploy::progress::recording::Recording;
use crate::deploy::{Audience, Moment};

/// How often it is drawn.
const FRAME: Duration = Duration::from_millis(100);

/// However fast it is, no second of what was recorded is skipped.
const SECOND: Duration = Duration::from_secs(1);

/// Draws what `--progress json` has written into a file, so many times as fast as it was.
pub(super) fn run(file: &Path, speed: f64, show: Show, global: &Global) -> Result<Exit> {
    let file = Input(file);
    let recording = Recording::read(&file.text(u64::MAX)?).wrap_err_with(|| format!("cannot replay {file}"))?;
    let mut terminal = Terminal::new(global, show);
    block_on(async {
        replay(&recording, speed, &mut terminal).await;
        Ok(Exit::Done)
    })
}

async fn replay(recording: &Recording, speed: f64, terminal: &mut Terminal) {
    let mut progress = recording.begin();
    let first = recording.events.first().map_or(0, |event| event.at.0);
    let mut now = Duration::ZERO;
    for event in &recording.events {
        let at = Duration::from_secs(u64::try_from(event.at.0.saturating_sub(first)).unwrap_or_default());
        while now < at {
            let pause = (at - now).min(FRAME.mul_f64(speed)).min(SECOND);
            tokio::select! {
                () = terminal.interrupted() => return,
                () = tokio::time::sleep(pause.div_f64(speed)) => now += pause,
            }
            terminal.watch(&progress, &[], now);
        }
        let steps: Vec<_> = progress.fold(event, now).into_iter().collect();
        terminal.watch(&progress, &steps, now);
    }
    let Some(status) = progress.status() else { return };
    if status.is_deployed() || status.is_deleted() {
        let outputs = Default::default();
        terminal.hear(&Moment::Ended { status, outputs: &outputs, seconds: Some(now.as_secs()) });
    } else {
        let causes: Vec<_> =
            progress.failures().iter().map(|failure| Cause::new(failure.clone(), Vec::new(), None)).collect();
        terminal.hear(&Moment::Failed { failures: &causes, cancelled: progress.cancelled(), reason: None });
    }
}
