//! Placing intervals in one arena.

/// Memory that something needs for a while.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Interval {
    /// Bytes.
    pub size: usize,
    /// The first node that touches it.
    pub first: usize,
    /// The last node that touches it, at least `first`.
    pub last: usize,
}

/// Where intervals were placed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Assignment {
    /// The offset of each interval in bytes, in the order given.
    pub offsets: Vec<usize>,
    /// Bytes of the arena.
    pub size: usize,
}

/// Places intervals so that two which live at the same time never overlap. Offsets are multiples of `alignment`,
/// which is at least 1.
///
/// Greedy by size (Pisarchyk and Lee 2020): the largest first, each into the smallest gap that holds it, or above all
/// that live with it. Takes time quadratic in the number of intervals at worst.
pub fn assign(intervals: &[Interval], alignment: usize) -> Assignment {
    let alignment = alignment.max(1);
    let mut order: Vec<usize> = (0..intervals.len()).filter(|&i| intervals[i].size > 0).collect();
    order.sort_by_key(|&i| (std::cmp::Reverse(intervals[i].size), intervals[i].first, i));
    let mut offsets = vec![0usize; intervals.len()];
    // By offset, so that gaps are found in one sweep.
    let mut placed: Vec<usize> = Vec::with_capacity(order.len());
    let mut size = 0;
    for index in order {
        let interval = intervals[index];
        let mut best: Option<(usize, usize)> = None;
        let mut free = 0usize;
        for &other in placed.iter().filter(|&&other| overlap(&interval, &intervals[other])) {
            let gap = offsets[other].saturating_sub(free);
            if gap >= interval.size && best.is_none_or(|(least, _)| gap < least) {
                best = Some((gap, free));
            }
            let end = offsets[other].saturating_add(intervals[other].size);
            free = free.max(round_up(end, alignment));
        }
        let offset = best.map_or(free, |(_, offset)| offset);
        offsets[index] = offset;
        size = size.max(offset.saturating_add(interval.size));
        let place = placed.partition_point(|&other| offsets[other] <= offset);
        placed.insert(place, index);
    }
    Assignment { offsets, size: round_up(size, alignment) }
}

/// The most bytes that live at any one node: no arena can be smaller.
pub fn lower_bound(intervals: &[Interval]) -> usize {
    let mut changes: Vec<(usize, bool, usize)> = Vec::with_capacity(2 * intervals.len());
    for interval in intervals {
        // Sorted, what ended at the node before goes before what starts.
        changes.push((interval.first, true, interval.size));
        changes.push((interval.last.saturating_add(1), false, interval.size));
    }
    changes.sort_unstable();
    let (mut now, mut most) = (0usize, 0usize);
    for (_, starts, size) in changes {
        now = if starts { now.saturating_add(size) } else { now.saturating_sub(size) };
        most = most.max(now);
    }
    most
}

fn overlap(a: &Interval, b: &Interval) -> bool {
    a.first <= b.last && b.first <= a.last
}

fn round_up(bytes: usize, alignment: usize) -> usize {
    bytes.checked_next_multiple_of(alignment).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn interval(size: usize, first: usize, last: usize) -> Interval {
        Interval { size, first, last }
    }

    #[test]
    fn memory_is_used_again_after_its_last_reader() {
        // A chain: each value is read by the next node only.
        let chain: Vec<_> = (0..10).map(|i| interval(64, i, i + 1)).collect();
        assert_eq!(assign(&chain, 64).size, 128);
        assert_eq!(lower_bound(&chain), 128);
    }

    #[test]
    fn the_smallest_gap_that_fits_is_taken() {
        // At node 1: 100 bytes free between two neighbours, or 40 between two others.
        let intervals = [interval(400, 0, 0), interval(300, 1, 1), interval(200, 0, 1), interval(40, 0, 0)];
        let made = assign(&intervals, 1);
        assert_eq!(made.size, lower_bound(&intervals));
        assert!(assign(&[], 64).size == 0);
    }

    proptest! {
        #[test]
        fn nothing_overlaps_in_time_and_space(
            raw in prop::collection::vec((0usize..500, 0usize..40, 0usize..12), 0..60),
            power in 0u32..8,
        ) {
            let intervals: Vec<_> = raw.iter().map(|&(size, first, length)| interval(size, first, first + length)).collect();
            let alignment = 1usize << power;
            let made = assign(&intervals, alignment);
            for (i, a) in intervals.iter().enumerate() {
                prop_assert_eq!(made.offsets[i] % alignment, 0);
                prop_assert!(made.offsets[i] + a.size <= made.size);
                for (j, b) in intervals.iter().enumerate().skip(i + 1) {
                    let apart = made.offsets[i] + a.size <= made.offsets[j] || made.offsets[j] + b.size <= made.offsets[i];
                    prop_assert!(!overlap(a, b) || apart || a.size == 0 || b.size == 0);
                }
            }
            let aligned: Vec<_> = intervals.iter().map(|i| interval(i.size.next_multiple_of(alignment), i.first, i.last)).collect();
            prop_assert!(made.size >= lower_bound(&intervals));
            // Greedy placing stays near the bound; far from it something is broken.
            prop_assert!(made.size <= 2 * lower_bound(&aligned) + alignment);
        }
    }
}
