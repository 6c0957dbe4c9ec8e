//! How rows are shared out among threads.

/// A block of threads takes `rows` rows, `team` threads each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Share {
    /// Elements of a row.
    pub(super) width: usize,
    /// Neighbours that a thread takes at once.
    pub(super) lanes: usize,
    /// Threads of a row: a part of a warp, or a whole block.
    pub(super) team: usize,
    /// How often each of them takes some.
    pub(super) each: usize,
    /// Rows of a block.
    pub(super) rows: usize,
}

impl Share {
    /// Threads of a block that takes several rows.
    const THREADS: usize = 256;
    /// Elements that a thread holds without running short of registers, and at most.
    const HELD: usize = 32;
    const MOST: usize = 64;

    /// A part of a warp for a short row, so that blocks are neither small nor many; for a long one the smallest block
    /// that leaves the fewest threads idle. `None` where no block holds a row.
    pub(super) fn of(width: usize, lanes: usize, warp: usize) -> Option<Self> {
        let packs = width.div_ceil(lanes);
        if packs <= 2 * warp {
            let team = packs.next_power_of_two().min(warp);
            let (each, rows) = (packs.div_ceil(team), Self::THREADS / team);
            return Some(Self { width, lanes, team, each, rows });
        }
        let shared = |team: usize| Self { width, lanes, team, each: packs.div_ceil(team), rows: 1 };
        let teams = |most: usize| (1..).map(move |warps| warps * warp).take_while(move |&team| team <= most);
        let usual = teams(512).filter(|&team| team >= 128).map(shared);
        let usual = usual.filter(|share| share.each * lanes <= Self::HELD);
        let least = usual.min_by_key(|share| share.team * share.each - packs);
        least.or_else(|| Some(shared(1024)).filter(|share| share.each * lanes <= Self::MOST))
    }

    /// Whether every thread has something to do each time.
    pub(super) fn is_full(&self) -> bool {
        self.team * self.each * self.lanes == self.width
    }

    /// Threads of a block.
    pub(super) fn threads(&self) -> usize {
        self.team * self.rows
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_shared_out_without_rest_where_they_can_be() {
        let of = |width, lanes| {
            let share = Share::of(width, lanes, 32).unwrap();
            (share.team, share.each, share.rows, share.is_full())
        };
        assert_eq!(of(128, 8), (16, 1, 16, true));
        assert_eq!(of(7, 1), (8, 1, 32, false));
        assert_eq!(of(3072, 8), (128, 3, 1, true));
        assert_eq!(of(4096, 8), (128, 4, 1, true));
        assert_eq!(of(768, 4), (192, 1, 1, true));
        assert_eq!(of(1, 1), (1, 1, 256, true));
        assert_eq!(Share::of(65_536, 1, 32).map(|share| share.each), Some(64));
        assert_eq!(Share::of(65_537, 1, 32), None);
    }
}
