//! Dividing a result among threads in blocks that are not contiguous.

use rayon::prelude::*;
use std::marker::PhantomData;
use std::ops::Range;

/// One block of a result of five axes; no other block has any of its elements.
pub(super) struct Block<'a, T> {
    start: *mut T,
    extents: [usize; 5],
    ranges: [Range<usize>; 5],
    result: PhantomData<&'a mut [T]>,
}

impl<T> Block<'_, T> {
    /// Its range along each axis.
    #[inline(always)]
    pub fn ranges(&self) -> [Range<usize>; 5] {
        self.ranges.clone()
    }

    /// Part of a line along the last axis.
    #[inline(always)]
    pub fn line(&mut self, index: [usize; 4], columns: Range<usize>) -> &mut [T] {
        let [outer @ .., across] = &self.ranges;
        assert!(outer.iter().zip(&index).all(|(range, i)| range.contains(i)), "a line of another block");
        assert!(across.start <= columns.start && columns.start <= columns.end && columns.end <= across.end);
        let line = index.iter().zip(&self.extents).fold(0, |line, (i, extent)| line * extent + i);
        let from = line * self.extents[4] + columns.start;
        // SAFETY: the index lies in this block's ranges and so in the result, which has the product of `extents` elements
        // and is borrowed for as long as this block lives. No other block has the element, and `self` is borrowed mutably.
        unsafe { std::slice::from_raw_parts_mut(self.start.add(from), columns.len()) }
    }
}

/// Where a result starts, for threads to share.
struct Start<T>(*mut T);

// SAFETY: threads use it only through blocks, which have no elements in common; `T` may go to other threads.
unsafe impl<T: Send> Sync for Start<T> {}

impl<T> Start<T> {
    fn get(&self) -> *mut T {
        self.0
    }
}

/// Calls `work` with every block of `steps` elements of a result of `extents`, at once.
pub(super) fn for_each_block<T: Send>(
    out: &mut [T],
    extents: [usize; 5],
    steps: [usize; 5],
    work: impl Fn(Block<T>) + Sync + Send,
) {
    assert_eq!(extents.iter().product::<usize>(), out.len(), "the result has another shape");
    let counts: [usize; 5] = std::array::from_fn(|axis| extents[axis].div_ceil(steps[axis]));
    let start = Start(out.as_mut_ptr());
    (0..counts.iter().product()).into_par_iter().for_each(|block: usize| {
        let mut rest = block;
        let mut ranges: [Range<usize>; 5] = Default::default();
        for axis in (0..5).rev() {
            let first = rest % counts[axis] * steps[axis];
            rest /= counts[axis];
            ranges[axis] = first..extents[axis].min(first + steps[axis]);
        }
        work(Block { start: start.get(), extents, ranges, result: PhantomData });
    });
}
