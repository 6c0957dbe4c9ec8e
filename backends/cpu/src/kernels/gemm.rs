//! The one door to the `gemm` crate: bounds checked, sums in one order.

use super::scratch;

/// The depth summed at once. The crate sums up to 512 products in order, without splitting them. Under Miri it is small, so
/// that it comes to several blocks.
pub(crate) const DEPTH: usize = if cfg!(miri) { 16 } else { 512 };

/// A matrix to read: element `(i, j)` is `data[i * strides[0] + j * strides[1]]`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Matrix<'a> {
    /// The elements, and others between them.
    pub data: &'a [f32],
    /// The distances between rows and between columns.
    pub strides: [usize; 2],
}

impl<'a> Matrix<'a> {
    /// A matrix read by its strides.
    pub fn new(data: &'a [f32], strides: [usize; 2]) -> Self {
        Self { data, strides }
    }

    fn at(&self, i: usize, j: usize) -> f32 {
        self.data[i * self.strides[0] + j * self.strides[1]]
    }
}

/// `c = a b`, or `c += a b`: `a` is `[m, k]`, `b` is `[k, n]`, `c` is `[m, n]` with rows `row` elements apart.
///
/// The order in which an element's products are summed depends on `k` alone: blocks of [`DEPTH`], in order. The crate's
/// special cases for vectors, for very small matrices and for a depth of one or two, which sum in other orders, are kept
/// out of its reach. So a row of `c` has the same bits whatever other rows stand beside it.
pub(crate) fn gemm([m, n, k]: [usize; 3], a: Matrix, b: Matrix, c: &mut [f32], row: usize, accumulate: bool) {
    if m == 0 || n == 0 {
        return;
    }
    if k == 0 && !accumulate {
        c.chunks_mut(row.max(1)).take(m).for_each(|c| c[..n].fill(0.0));
    }
    for start in (0..k).step_by(DEPTH) {
        let dims = [m, n, DEPTH.min(k - start)];
        let a = Matrix::new(&a.data[start * a.strides[1]..], a.strides);
        let b = Matrix::new(&b.data[start * b.strides[0]..], b.strides);
        block(dims, a, b, c, row, accumulate || start > 0);
    }
}

/// As [`gemm`], of a depth that is summed at once.
fn block([m, n, k]: [usize; 3], a: Matrix, b: Matrix, c: &mut [f32], row: usize, accumulate: bool) {
    if k <= 2 {
        for (i, c) in c.chunks_mut(row).take(m).enumerate() {
            for (j, c) in c[..n].iter_mut().enumerate() {
                let sum = (0..k).fold(0.0, |sum, p| sum + a.at(i, p) * b.at(p, j));
                *c = if accumulate { *c + sum } else { sum };
            }
        }
    } else if m == 1 || n == 1 {
        // A vector is taken as two equal ones.
        let (wide_m, wide_n) = (m.max(2), n.max(2));
        let a = Matrix::new(a.data, [if m == 1 { 0 } else { a.strides[0] }, a.strides[1]]);
        let b = Matrix::new(b.data, [b.strides[0], if n == 1 { 0 } else { b.strides[1] }]);
        scratch::with(wide_m * wide_n, |wide| {
            block([wide_m, wide_n, k], a, b, wide, wide_n, false);
            for (c, wide) in c.chunks_mut(row).zip(wide.chunks(wide_n)).take(m) {
                for (c, sum) in c[..n].iter_mut().zip(wide) {
                    *c = if accumulate { *c + sum } else { *sum };
                }
            }
        });
    } else if a.strides[1] == 1 && b.strides[0] == 1 && m * n <= 256 {
        scratch::with(k * n, |turned| {
            for (p, turned) in turned.chunks_mut(n).enumerate() {
                turned.iter_mut().enumerate().for_each(|(j, t)| *t = b.at(p, j));
            }
            call([m, n, k], a, Matrix::new(turned, [n, 1]), c, [row, 1], accumulate);
        });
    } else if m <= 16 && n >= m && b.strides[0] == 1 {
        // By columns the crate reads `b`, the larger matrix, where it lies; by rows it would copy it.
        scratch::with(m * n, |columns| {
            call([m, n, k], a, b, columns, [1, m], false);
            for (i, c) in c.chunks_mut(row).take(m).enumerate() {
                for (c, sum) in c[..n].iter_mut().zip(columns[i..].iter().step_by(m)) {
                    *c = if accumulate { *c + sum } else { *sum };
                }
            }
        });
    } else {
        call([m, n, k], a, b, c, [row, 1], accumulate);
    }
}

/// Calls the crate on one thread. The extents are at least 1; `c` has dense rows or dense columns.
fn call(
    [m, n, k]: [usize; 3],
    a: Matrix,
    b: Matrix,
    c: &mut [f32],
    [row, column]: [usize; 2],
    accumulate: bool,
) {
    let last = |matrix: &Matrix, rows: usize, columns: usize| {
        (rows - 1) * matrix.strides[0] + (columns - 1) * matrix.strides[1]
    };
    assert!(last(&a, m, k) < a.data.len(), "the left matrix is shorter than its shape");
    assert!(last(&b, k, n) < b.data.len(), "the right matrix is shorter than its shape");
    assert!((column == 1 && row >= n) || (row == 1 && column >= m), "the result overlaps itself");
    assert!((m - 1) * row + (n - 1) * column < c.len(), "the result is shorter than its shape");
    // SAFETY: every element that the extents and strides lead to lies in its slice, as was just checked; strides and
    // extents are below a slice's length and so fit an isize (a stride of an extent of 1 is multiplied by 0). `c` is
    // borrowed mutably, so that it overlaps neither `a` nor `b`, and its elements do not overlap each other. It is
    // initialised, so it may be read.
    unsafe {
        gemm::gemm(
            m,
            n,
            k,
            c.as_mut_ptr(),
            column as isize,
            row as isize,
            accumulate,
            a.data.as_ptr(),
            a.strides[1] as isize,
            a.strides[0] as isize,
            b.data.as_ptr(),
            b.strides[1] as isize,
            b.strides[0] as isize,
            1.0,
            1.0,
            false,
            false,
            false,
            gemm::Parallelism::None,
        );
    }
}
