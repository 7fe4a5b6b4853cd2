//! The function's time, shared out so that no call can eat it all.

use std::future::Future;
use std::time::Duration;

use tokio::time::{Instant, timeout};

use crate::account::Fault;

/// Kept back for writing the record and answering Lambda.
const MARGIN: Duration = Duration::from_secs(1);

/// The longest that one question may take, its retries and pages among it. Two round trips of it leave 13 of 30 seconds for
/// acting. A call takes a tenth of a second as a rule; [`crate::aws`] gives up on one attempt long before.
const QUESTION: Duration = Duration::from_secs(8);

/// When the function must have answered.
#[derive(Debug, Clone, Copy)]
pub struct Deadline(Instant);

impl Deadline {
    /// A deadline `left` from now, less a margin.
    pub fn after(left: Duration) -> Self {
        Self(Instant::now() + left.saturating_sub(MARGIN))
    }

    /// What is left; nothing once it has passed.
    pub fn left(self) -> Duration {
        self.0.saturating_duration_since(Instant::now())
    }

    /// Waits for `answer` for eight seconds, or half of what is left where that is less: whatever the function's time-out
    /// and however many calls hang, the next one still has its chance.
    ///
    /// # Errors
    ///
    /// What the call said; or, when it said nothing in time, a fault with the code `Timeout`.
    pub async fn within<T>(
        self,
        operation: &'static str,
        answer: impl Future<Output = Result<T, Fault>>,
    ) -> Result<T, Fault> {
        let share = QUESTION.min(self.left() / 2);
        timeout(share, answer).await.unwrap_or_else(|_| {
            let message = format!("no answer within {:.1} s", share.as_secs_f64());
            Err(Fault { operation, code: "Timeout".into(), message })
        })
    }
}

#[cfg(test)]
mod tests {
    use std::future::pending;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn calls_that_hang_leave_time_for_the_next() {
        let deadline = Deadline::after(Duration::from_secs(30));
        for left in [21.0, 13.0, 6.5, 3.25] {
            let answer: Result<(), Fault> = deadline.within("Hang", pending()).await;
            assert_eq!(answer.expect_err("hangs").code, "Timeout");
            assert!((deadline.left().as_secs_f64() - left).abs() < 0.01, "{:?} for {left}", deadline.left());
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_deadline_in_the_past_is_no_panic() {
        let answer: Result<(), Fault> = Deadline::after(Duration::ZERO).within("Hang", pending()).await;
        assert!(answer.is_err());
    }
}
