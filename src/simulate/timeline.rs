//! What there was when: fleet, queue, price and capacity in pieces of equal length.

use serde::Serialize;

use super::scenario::Scenario;

/// A pair's time, in pieces.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Timeline {
    /// When it begins, in seconds since 1970.
    pub start: i64,
    /// How long a piece is, in seconds; the last may be shorter.
    pub width: i64,
    /// Zones, in the order of each piece's prices and capacities.
    pub zones: Vec<String>,
    /// One after the other.
    pub pieces: Vec<Piece>,
}

/// A piece of time; numbers are means over it.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Piece {
    /// Spot Instances.
    pub spot: f64,
    /// On-Demand Instances.
    pub on_demand: f64,
    /// Jobs waiting.
    pub waiting: f64,
    /// The most jobs that waited at a time.
    pub waiting_max: u32,
    /// The part of the time in which jobs waited and no worker was there or on its way.
    pub unserved: f64,
    /// Each zone's Spot price; absent where there is none yet.
    pub prices: Vec<Option<f64>>,
    /// The part of the time in which each zone had Spot.
    pub capacity: Vec<f64>,
}

impl Timeline {
    pub(crate) fn new(scenario: &Scenario, pieces: usize) -> Self {
        let pieces = i64::try_from(pieces.max(1)).unwrap_or(i64::MAX);
        let width = ((scenario.duration + pieces - 1) / pieces).max(1);
        let count = usize::try_from((scenario.duration + width - 1) / width).unwrap_or(0);
        let mut timeline =
            Self { start: scenario.start, width, zones: scenario.zones.clone(), pieces: vec![Piece::default(); count] };
        for (index, piece) in timeline.pieces.iter_mut().enumerate() {
            let from = scenario.start + width * index as i64;
            let to = (from + width).min(scenario.end());
            for zone in 0..scenario.zones.len() {
                let price = mean(scenario.prices.of(zone), from, to, |price| price.usd());
                piece.prices.push((price.1 > 0).then(|| price.0 / price.1 as f64));
                let capacity = mean(scenario.capacity.of(zone), from, to, |available| f64::from(u8::from(available)));
                piece.capacity.push(capacity.0 / (to - from) as f64);
            }
        }
        timeline
    }

    /// Adds what there was from one moment to another.
    pub(crate) fn pass(&mut self, from: i64, to: i64, running: [u32; 2], waiting: u32, unserved: bool) {
        let end = self.start + self.width * self.pieces.len() as i64;
        let mut at = from;
        while at < to.min(end) {
            let index = (at - self.start) / self.width;
            let until = (self.start + (index + 1) * self.width).min(to);
            let piece = &mut self.pieces[index as usize];
            let part = (until - at) as f64 / self.width as f64;
            piece.spot += part * f64::from(running[0]);
            piece.on_demand += part * f64::from(running[1]);
            piece.waiting += part * f64::from(waiting);
            piece.waiting_max = piece.waiting_max.max(waiting);
            piece.unserved += part * f64::from(u8::from(unserved));
            at = until;
        }
    }
}

/// The integral of a step function over a time, and the seconds in which it has a value.
fn mean<T: Copy>(changes: &[(i64, T)], from: i64, to: i64, value: impl Fn(T) -> f64) -> (f64, i64) {
    let mut index = changes.partition_point(|&(at, _)| at <= from).saturating_sub(1);
    let (mut sum, mut covered) = (0.0, 0);
    while let Some(&(at, here)) = changes.get(index).filter(|(at, _)| *at < to) {
        let until = changes.get(index + 1).map_or(to, |&(next, _)| next.min(to));
        let seconds = until - at.max(from);
        sum += value(here) * seconds as f64;
        covered += seconds;
        index += 1;
    }
    (sum, covered)
}
