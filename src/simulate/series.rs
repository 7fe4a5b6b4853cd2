//! What holds in a zone until it changes: its Spot price, and whether Spot is to be had.

/// Changes of one value over time, each zone's in order.
#[derive(Debug, Clone, PartialEq)]
pub struct Series<T> {
    zones: Vec<Vec<(i64, T)>>,
}

impl<T: Copy + PartialEq> Series<T> {
    /// No change in any of so many zones.
    pub fn new(zones: usize) -> Self {
        Self { zones: vec![Vec::new(); zones] }
    }

    /// The same value in all zones, from the beginning of time.
    pub fn constant(zones: usize, value: T) -> Self {
        Self { zones: vec![vec![(i64::MIN, value)]; zones] }
    }

    /// From then on, a zone has this value. What is no change is passed over; changes come in any order across zones, and a
    /// zone's own out of order are put in place by [`Series::sort`].
    pub fn push(&mut self, zone: usize, at: i64, value: T) {
        if let Some(changes) = self.zones.get_mut(zone)
            && changes.last().is_none_or(|&(before, last)| last != value || before > at)
        {
            changes.push((at, value));
        }
    }

    /// Puts each zone's changes in order; of several at one moment `choose` says which counts, and what is no
    /// change is left away.
    pub fn sort(&mut self, choose: impl Fn(T, T) -> T) {
        for changes in &mut self.zones {
            changes.sort_by_key(|&(at, _)| at);
            changes.dedup_by(|later, kept| {
                let same = later.0 == kept.0;
                if same {
                    kept.1 = choose(kept.1, later.1);
                }
                same
            });
            changes.dedup_by_key(|&mut (_, value)| value);
        }
    }

    /// Moves all changes in time.
    pub fn shift(&mut self, by: i64) {
        self.zones.iter_mut().flatten().for_each(|change| change.0 = change.0.saturating_add(by));
    }

    /// How many zones.
    pub fn zones(&self) -> usize {
        self.zones.len()
    }

    /// A zone's changes.
    pub fn of(&self, zone: usize) -> &[(i64, T)] {
        self.zones.get(zone).map_or(&[], Vec::as_slice)
    }

    /// What a zone has at a moment.
    pub fn at(&self, zone: usize, moment: i64) -> Option<T> {
        let changes = self.of(zone);
        changes.partition_point(|&(at, _)| at <= moment).checked_sub(1).map(|index| changes[index].1)
    }

    /// The first and the last change.
    pub fn span(&self) -> Option<(i64, i64)> {
        let first = self.zones.iter().filter_map(|changes| changes.first()).map(|&(at, _)| at).min()?;
        let last = self.zones.iter().filter_map(|changes| changes.last()).map(|&(at, _)| at).max()?;
        Some((first, last))
    }

    /// All changes after a moment, in order of time, as `(at, zone, value)`.
    pub(crate) fn after(&self, moment: i64) -> Changes<'_, T> {
        let cursors = self.zones.iter().map(|changes| changes.partition_point(|&(at, _)| at <= moment)).collect();
        let mut changes = Changes { series: self, cursors, next: None };
        changes.find();
        changes
    }
}

/// The changes of all zones, one after the other.
#[derive(Debug, Clone)]
pub(crate) struct Changes<'a, T> {
    series: &'a Series<T>,
    cursors: Vec<usize>,
    next: Option<(i64, usize)>,
}

impl<T: Copy> Changes<'_, T> {
    /// When the next one is.
    pub(crate) fn next_at(&self) -> i64 {
        self.next.map_or(i64::MAX, |(at, _)| at)
    }

    /// Takes the next one.
    pub(crate) fn take(&mut self) -> Option<(usize, T)> {
        let (_, zone) = self.next?;
        let value = self.series.zones[zone][self.cursors[zone]].1;
        self.cursors[zone] += 1;
        self.find();
        Some((zone, value))
    }

    /// How many of a zone's changes have been taken.
    pub(crate) fn taken(&self, zone: usize) -> usize {
        self.cursors[zone]
    }

    fn find(&mut self) {
        let heads = self.series.zones.iter().zip(&self.cursors).enumerate();
        self.next = heads.filter_map(|(zone, (changes, &cursor))| changes.get(cursor).map(|&(at, _)| (at, zone))).min();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_come_in_order_whatever_the_file_s() {
        let mut series = Series::new(2);
        for (zone, at, value) in [(0, 30, 3), (0, 10, 1), (1, 20, 7), (0, 10, 2), (1, 25, 7), (5, 1, 1)] {
            series.push(zone, at, value);
        }
        series.sort(i32::max);
        assert_eq!((series.of(0), series.of(1)), (&[(10, 2), (30, 3)][..], &[(20, 7)][..]));
        assert_eq!(series.span(), Some((10, 30)));
        assert_eq!(
            (series.at(0, 9), series.at(0, 10), series.at(0, 29), series.at(0, 99)),
            (None, Some(2), Some(2), Some(3))
        );
        let mut changes = series.after(10);
        let mut seen = Vec::new();
        while changes.next_at() < i64::MAX {
            let at = changes.next_at();
            seen.extend(changes.take().map(|(zone, value)| (at, zone, value)));
        }
        assert_eq!(seen, [(20, 1, 7), (30, 0, 3)]);
        assert_eq!(changes.taken(0), 2);
    }
}
