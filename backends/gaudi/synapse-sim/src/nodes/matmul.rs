//! The f32 product under gemm, convolution and attention.

/// A matrix as a slice with the steps of rows and columns, in elements.
#[derive(Clone, Copy)]
pub struct Matrix<'a> {
    pub data: &'a [f32],
    pub row: usize,
    pub column: usize,
}

/// `out[m, n] = alpha * a[m, k] x b[k, n]`, `out` dense by rows.
pub fn multiply([m, n, k]: [usize; 3], alpha: f32, a: Matrix, b: Matrix, out: &mut [f32]) {
    let reach = |matrix: &Matrix, rows: usize, columns: usize| {
        rows == 0
            || columns == 0
            || (rows - 1) * matrix.row + (columns - 1) * matrix.column < matrix.data.len()
    };
    if m == 0 || n == 0 {
        return;
    }
    assert!(
        reach(&a, m, k) && reach(&b, k, n) && out.len() >= m * n,
        "a product out of its operands' bounds"
    );
    let threads = if m * n * k > 1 << 18 { gemm::Parallelism::Rayon(0) } else { gemm::Parallelism::None };
    // SAFETY: the bounds were asserted above; `out` is not shared with `a` or `b`.
    unsafe {
        gemm::gemm(
            m,
            n,
            k,
            out.as_mut_ptr(),
            1,
            n as isize,
            false,
            a.data.as_ptr(),
            a.column as isize,
            a.row as isize,
            b.data.as_ptr(),
            b.column as isize,
            b.row as isize,
            0.0,
            alpha,
            false,
            false,
            false,
            threads,
        );
    }
}
