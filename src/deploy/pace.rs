//! How often AWS is asked how far it is.

use std::time::Duration;

use sha2::{Digest, Sha256};

/// The first pause, for what takes seconds.
const FIRST: Duration = Duration::from_millis(250);

/// The longest, while AWS answers.
const LONGEST: Duration = Duration::from_secs(5);

/// How long to wait between two looks: a moment at first, then longer, and longer still while AWS does not answer.
///
/// Each pause is up to a fifth longer or shorter by chance. Many pipelines that begin in the same second would ask in the same
/// second ever after, be throttled together, and come back together.
#[derive(Debug)]
pub(super) struct Pace<'a> {
    /// What chance is drawn from: the name of what is waited for, which no other run has.
    seed: &'a str,
    looks: u32,
    pause: Duration,
    unanswered: u32,
}

impl<'a> Pace<'a> {
    /// For what may be over in seconds.
    pub(super) fn quick(seed: &'a str) -> Self {
        Self { seed, looks: 0, pause: FIRST, unanswered: 0 }
    }

    /// For what takes minutes.
    pub(super) fn steady(seed: &'a str) -> Self {
        Self { pause: LONGEST, ..Self::quick(seed) }
    }

    /// AWS has answered.
    pub(super) fn answered(&mut self) {
        self.looks = self.looks.wrapping_add(1);
        self.unanswered = 0;
        self.pause = (self.pause * 5 / 4).min(LONGEST);
    }

    /// AWS has not. How many times in a row.
    pub(super) fn unanswered(&mut self) -> u32 {
        self.looks = self.looks.wrapping_add(1);
        self.unanswered = self.unanswered.saturating_add(1);
        self.unanswered
    }

    /// How long to wait now.
    pub(super) fn pause(&self) -> Duration {
        let pause = self.pause * 2_u32.pow(self.unanswered.min(2));
        pause.mul_f64(0.8 + 0.4 * chance(self.seed, self.looks))
    }
}

/// From 0 to 1: another for every seed and every look, the same for the same.
fn chance(seed: &str, look: u32) -> f64 {
    let hash = Sha256::new().chain_update(seed).chain_update(look.to_le_bytes()).finalize();
    f64::from(u16::from_le_bytes([hash[0], hash[1]])) / f64::from(u16::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As many seconds as it says, a fifth more or less.
    fn about(pause: Duration, seconds: f64) -> bool {
        (seconds * 0.799..=seconds * 1.201).contains(&pause.as_secs_f64())
    }

    #[test]
    fn it_is_quick_at_first_and_slow_in_the_end() {
        let mut pace = Pace::quick("a");
        assert!(about(pace.pause(), 0.25), "{:?}", pace.pause());
        for _ in 0..50 {
            pace.answered();
        }
        assert!(about(pace.pause(), 5.0), "{:?}", pace.pause());
        assert_eq!([(); 4].map(|()| pace.unanswered()), [1, 2, 3, 4]);
        assert!(about(pace.pause(), 20.0), "{:?}", pace.pause());
        pace.answered();
        assert!(about(pace.pause(), 5.0) && about(Pace::steady("a").pause(), 5.0));
    }

    #[test]
    fn those_who_begin_together_do_not_ask_together() {
        let after_a_minute = |seed: &str| {
            let (mut pace, mut elapsed) = (Pace::quick(seed), Duration::ZERO);
            while elapsed < Duration::from_secs(60) {
                elapsed += pace.pause();
                pace.answered();
            }
            elapsed.as_millis()
        };
        assert_eq!(after_a_minute("spotstack-1-a"), after_a_minute("spotstack-1-a"), "no clock, no luck");
        let mut looks: Vec<_> = (0..36).map(|run| after_a_minute(&format!("spotstack-1-{run}"))).collect();
        looks.sort_unstable();
        let in_one_second = looks.windows(18).any(|some| some[17] - some[0] < 1_000);
        assert!(!in_one_second, "half of 36 pipelines ask in the same second: {looks:?}");
    }
}
