//! Dividing a result among threads in blocks that are not contiguous.

use rayon::prelude::*;
use std::marker::PhantomData;
use std::ops::Range;

/// Where in the result the elements of a grid stand: `by` apart along each spatial axis, from number `phase` on.
#[derive(Clone, Copy, Debug)]
pub(super) struct Spread {
    pub by: [usize; 3],
    pub phase: [usize; 3],
}

impl Spread {
    /// Side by side: the grid is the whole result.
    pub const NONE: Self = Self { by: [1; 3], phase: [0; 3] };
}

/// One block of a grid of five axes; no other block of it has any of its elements.
pub(super) struct Block<'a, T> {
    start: *mut T,
    extents: [usize; 5],
    spread: Spread,
    ranges: [Range<usize>; 5],
    result: PhantomData<&'a mut [T]>,
}

impl<T> Block<'_, T> {
    /// Its range along each axis.
    #[inline(always)]
    pub fn ranges(&self) -> [Range<usize>; 5] {
        self.ranges.clone()
    }

    /// Whether neighbours along the last axis stand apart.
    #[inline(always)]
    pub fn is_spread(&self) -> bool {
        self.spread.by[2] != 1
    }

    /// Part of a line along the last axis, of a block whose columns stand side by side.
    #[inline(always)]
    pub fn line(&mut self, index: [usize; 4], columns: Range<usize>) -> &mut [T] {
        assert!(!self.is_spread(), "a line of elements that stand apart");
        let from = self.place(index, &columns);
        // SAFETY: the place lies in the result, as do the columns after it, which stand side by side; the result is borrowed
        // for as long as this block lives. No other block has the elements, and `self` is borrowed mutably.
        unsafe { std::slice::from_raw_parts_mut(self.start.add(from), columns.len()) }
    }

    /// Writes part of a line along the last axis.
    #[inline(always)]
    pub fn write(&mut self, index: [usize; 4], columns: Range<usize>, values: &[T])
    where
        T: Copy,
    {
        assert!(values.len() == columns.len(), "as many values as columns");
        let (from, apart) = (self.place(index, &columns), self.spread.by[2]);
        for (i, value) in values.iter().enumerate() {
            // SAFETY: the place lies in the result, as do the columns after it, `apart` from each other; the result is
            // borrowed for as long as this block lives. No other block has the elements, and `self` is borrowed mutably.
            unsafe { self.start.add(from + i * apart).write(*value) };
        }
    }

    /// The number of an element in the result, whose columns up to the range's end lie in the block.
    #[inline(always)]
    fn place(&self, index: [usize; 4], columns: &Range<usize>) -> usize {
        let [outer @ .., across] = &self.ranges;
        assert!(outer.iter().zip(&index).all(|(range, i)| range.contains(i)), "a line of another block");
        assert!(across.start <= columns.start && columns.start <= columns.end && columns.end <= across.end);
        let Spread { by, phase } = self.spread;
        let [part, output, layer, row] = index;
        let [_, outputs, layers, rows, width] = self.extents;
        let line = (part * outputs + output) * (layers * by[0]) + layer * by[0] + phase[0];
        let line = line * (rows * by[1]) + row * by[1] + phase[1];
        line * (width * by[2]) + columns.start * by[2] + phase[2]
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

/// Calls `work` with every block of `steps` elements of a grid of `extents` that is spread over the result, at once.
pub(super) fn for_each_block<T: Send>(
    out: &mut [T],
    (extents, spread): ([usize; 5], Spread),
    steps: [usize; 5],
    work: impl Fn(Block<T>) + Sync + Send,
) {
    let elements = extents.iter().chain(&spread.by).product::<usize>();
    assert_eq!(elements, out.len(), "the result has another shape");
    assert!(spread.phase.iter().zip(&spread.by).all(|(phase, by)| phase < by), "no such phase");
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
        work(Block { start: start.get(), extents, spread, ranges, result: PhantomData });
    });
}
