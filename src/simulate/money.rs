//! Prices that add up exactly.

/// USD per instance-hour, in billionths: AWS writes six decimals.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Price(pub u64);

impl Price {
    /// A price in USD; `None` for what is none, or beyond a million.
    pub fn from_usd(usd: f64) -> Option<Self> {
        (0.0..=1e6).contains(&usd).then(|| Self((usd * 1e9).round() as u64))
    }

    /// In USD.
    pub fn usd(self) -> f64 {
        self.0 as f64 / 1e9
    }

    /// What an instance costs for so many seconds.
    pub(crate) fn times(self, seconds: i64) -> Money {
        Money(u128::from(self.0) * u128::try_from(seconds).unwrap_or(0))
    }
}

/// An amount: billionths of USD times seconds, of which 3600 make an hour.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Money(u128);

impl Money {
    /// In USD.
    pub(crate) fn usd(self) -> f64 {
        self.0 as f64 / 3_600e9
    }
}

impl std::ops::Add for Money {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self(self.0 + other.0)
    }
}

impl std::ops::AddAssign for Money {
    fn add_assign(&mut self, other: Self) {
        self.0 += other.0;
    }
}

impl std::ops::Sub for Money {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_price_is_what_was_written() {
        for text in ["0.094400", "0.55", "6.5", "0.000001", "12.240000", "0"] {
            let usd: f64 = text.parse().expect("a number");
            assert_eq!(Price::from_usd(usd).expect("a price").usd(), usd, "{text}");
        }
        for usd in [-0.1, f64::NAN, f64::INFINITY, 2e6] {
            assert_eq!(Price::from_usd(usd), None, "{usd}");
        }
        assert_eq!(Price::from_usd(0.65).map(|price| price.times(5_400).usd()), Some(0.975));
    }
}
