//! A matrix written tile by tile, from several threads.

use crate::kernels::share::share;
use std::marker::PhantomData;
use std::ops::Range;

/// A rectangle of a row-major matrix, to be written by one task.
pub(super) struct Tile<'a, T> {
    start: *mut T,
    width: usize,
    rows: Range<usize>,
    columns: Range<usize>,
    matrix: PhantomData<&'a mut [T]>,
}

impl<T> Tile<'_, T> {
    /// The matrix's rows that it takes.
    pub fn rows(&self) -> Range<usize> {
        self.rows.clone()
    }

    /// The matrix's columns that it takes.
    pub fn columns(&self) -> Range<usize> {
        self.columns.clone()
    }

    /// A row of the tile, counted from its first.
    pub fn row(&mut self, row: usize) -> &mut [T] {
        assert!(row < self.rows.len(), "the tile has fewer rows");
        let offset = (self.rows.start + row) * self.width + self.columns.start;
        // SAFETY: rows and columns lie in the matrix, as `for_each_tile` cuts them, and no other tile has these elements;
        // the matrix is borrowed mutably for the tile's life, and this tile mutably for the row's.
        unsafe { std::slice::from_raw_parts_mut(self.start.add(offset), self.columns.len()) }
    }
}

/// The first element, for tasks that write disjoint parts.
struct Start<T>(*mut T);

// SAFETY: it is only used to cut tiles, which are disjoint, so that elements move to another thread as with `&mut [T]`.
unsafe impl<T: Send> Sync for Start<T> {}

impl<T> Start<T> {
    fn get(&self) -> *mut T {
        self.0
    }
}

/// Cuts a matrix `[height, width]` into tiles and calls `work` with each, in parallel; tiles above each other are
/// neighbours in order.
pub(super) fn for_each_tile<T: Send>(
    matrix: &mut [T],
    [height, width]: [usize; 2],
    [tile_height, tile_width]: [usize; 2],
    work: impl Fn(Tile<'_, T>) + Sync,
) {
    assert_eq!(height * width, matrix.len(), "the matrix is not of its shape");
    let [down, across] = [height.div_ceil(tile_height), width.div_ceil(tile_width)];
    let start = Start(matrix.as_mut_ptr());
    share(down * across, |tile| {
        let [row, column] = [tile % down * tile_height, tile / down * tile_width];
        work(Tile {
            start: start.get(),
            width,
            rows: row..height.min(row + tile_height),
            columns: column..width.min(column + tile_width),
            matrix: PhantomData,
        });
    });
}
