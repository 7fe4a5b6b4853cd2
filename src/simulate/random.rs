//! Chance, from a seed: the same numbers on every machine.

use rand_pcg::Pcg64;
use rand_pcg::rand_core::Rng;

/// What a stream of random numbers is for. Each has its own, so that one more job does not change where Spot is to be had, and
/// every strategy meets the same world.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Purpose {
    /// When jobs come and how long they take.
    Jobs,
    /// What becomes of a message.
    Messages,
    /// When Spot is to be had in the whole Region.
    Region,
    /// When Spot is to be had in a zone.
    Capacity(u8),
    /// What Spot costs in a zone.
    Price(u8),
}

/// A stream of random numbers. No function of the platform's mathematics library is behind it.
#[derive(Debug, Clone)]
pub(crate) struct Random(Pcg64);

impl Random {
    /// The stream of a seed for a purpose.
    pub(crate) fn new(seed: u64, purpose: Purpose) -> Self {
        let stream = match purpose {
            Purpose::Jobs => 1,
            Purpose::Messages => 2,
            Purpose::Region => 3,
            Purpose::Capacity(zone) => 0x100 + u128::from(zone),
            Purpose::Price(zone) => 0x200 + u128::from(zone),
        };
        Self(Pcg64::new(u128::from(seed), stream))
    }

    /// From 0 to below 1.
    pub(crate) fn fraction(&mut self) -> f64 {
        (self.0.next_u64() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// Whether something of this probability happens.
    pub(crate) fn happens(&mut self, probability: f64) -> bool {
        self.fraction() < probability
    }

    /// From 0 to below `end`, which is more than 0.
    pub(crate) fn below(&mut self, end: u64) -> u64 {
        (self.fraction() * end as f64) as u64
    }

    /// The wait for what happens once in `mean` on average, and has no memory.
    pub(crate) fn wait(&mut self, mean: f64) -> f64 {
        -libm::log(1.0 - self.fraction()) * mean
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_says_it_all() {
        let numbers = |seed, purpose| {
            let mut random = Random::new(seed, purpose);
            (0..4).map(|_| random.below(1_000)).collect::<Vec<_>>()
        };
        // Written down: another machine or version must not change what a seed means.
        assert_eq!(numbers(1, Purpose::Jobs), WRITTEN);
        assert_ne!(numbers(1, Purpose::Jobs), numbers(2, Purpose::Jobs));
        assert_ne!(numbers(1, Purpose::Capacity(0)), numbers(1, Purpose::Capacity(1)));
        let mean = {
            let mut random = Random::new(7, Purpose::Jobs);
            (0..100_000).map(|_| random.wait(60.0)).sum::<f64>() / 100_000.0
        };
        assert!((mean - 60.0).abs() < 1.0, "{mean}");
    }

    const WRITTEN: [u64; 4] = [829, 730, 884, 513];
}
