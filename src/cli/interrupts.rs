//! Ctrl-C, and SIGTERM, which a pipeline sends to what it does not want any more.

use std::process;

use tokio::sync::mpsc::{self, Receiver};

use super::output::talk;

/// From now on neither ends the program, but what it is doing; once more, while nobody has answered the first, does end it.
pub(super) struct Interrupts {
    presses: Receiver<()>,
}

impl Interrupts {
    pub(super) fn new() -> Self {
        let (sender, presses) = mpsc::channel(1);
        tokio::spawn(async move {
            loop {
                one().await;
                if sender.try_send(()).is_err() {
                    talk("\ninterrupted again: what AWS has begun goes on; `spotstack status` says how it is");
                    process::exit(130);
                }
            }
        });
        Self { presses }
    }

    /// Ready at each press.
    pub(super) async fn next(&mut self) {
        if self.presses.recv().await.is_none() {
            std::future::pending::<()>().await;
        }
    }
}

/// Ready when either comes; never, where there are no such signals.
async fn one() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut term) = signal(SignalKind::terminate()) {
            tokio::select! {
                pressed = tokio::signal::ctrl_c() => if pressed.is_ok() { return },
                _ = term.recv() => return,
            }
        }
    }
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending::<()>().await;
    }
}
