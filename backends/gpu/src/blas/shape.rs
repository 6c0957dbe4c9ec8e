//! From matrices in row-major order to the library's, which reads column by column.
//!
//! A row-major `[r, c]` read column by column is its transpose. So `d = a b` is asked for as `d^T = b^T a^T`: the spec's `b`
//! comes first, its rows are the `n` of the spec, and a bias along `n` lies along the rows, where the library wants it.

use crate::{MatMul, Matrix};

/// A matrix as the library reads it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Columns {
    pub(super) rows: usize,
    pub(super) columns: usize,
    /// Elements from one column to the next.
    pub(super) leading: usize,
    /// Elements from one of the batch to the next.
    pub(super) stride: usize,
    /// Whether the factor is its transpose.
    pub(super) transposed: bool,
}

/// `out = first second`, each as often as there are products.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Product {
    pub(super) batch: usize,
    /// `[n, k]`, the spec's `b`.
    pub(super) first: Columns,
    /// `[k, m]`, the spec's `a`.
    pub(super) second: Columns,
    /// `[n, m]`, the spec's `d`.
    pub(super) out: Columns,
}

/// Maps a product, or says why the library cannot have it.
pub(super) fn product(op: &MatMul) -> Result<Product, String> {
    let MatMul { batch, m, n, k, .. } = *op;
    if [batch, m, n, k].contains(&0) {
        return Err(format!("no library takes an empty product: {batch} of [{m}, {k}] x [{k}, {n}]"));
    }
    if op.d.transposed {
        return Err("libraries are asked for row-major results only".into());
    }
    if batch > 1 && op.d.batch == 0 {
        return Err(format!("{batch} results lie in one place"));
    }
    let (batch, m) = if folds(op) { (1, batch * m) } else { (batch, m) };
    let small = |extent: usize| i32::try_from(extent).is_ok();
    if !(small(batch) && small(m) && small(n) && small(k)) {
        return Err(format!("libraries count to {}: {batch} of [{m}, {k}] x [{k}, {n}]", i32::MAX));
    }
    Ok(Product {
        batch,
        first: columns("b", op.b, k, n)?,
        second: columns("a", op.a, m, k)?,
        out: columns("d", op.d, m, n)?,
    })
}

/// Whether a batch that shares `b` is one product with more rows.
fn folds(op: &MatMul) -> bool {
    op.batch > 1
        && op.b.batch == 0
        && !op.a.transposed
        && op.a.batch == op.m * op.a.leading
        && op.d.batch == op.m * op.d.leading
}

/// A matrix `[rows, columns]` of the spec.
fn columns(name: &str, matrix: Matrix, rows: usize, columns: usize) -> Result<Columns, String> {
    let (outer, inner) = if matrix.transposed { (columns, rows) } else { (rows, columns) };
    if outer > 1 && matrix.leading < inner {
        return Err(format!("rows of `{name}` overlap: {inner} elements, the next {} on", matrix.leading));
    }
    Ok(Columns {
        rows: inner,
        columns: outer,
        // Of a single column the distance to the next says nothing, and the library still checks it.
        leading: matrix.leading.max(inner),
        stride: matrix.batch,
        transposed: matrix.transposed,
    })
}

#[cfg(test)]
mod tests;
