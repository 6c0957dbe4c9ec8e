use super::*;
use crate::Epilogue;
use tintype_program::DType;

fn matmul(batch: usize, [m, n, k]: [usize; 3], a: Matrix, b: Matrix, d: Matrix) -> MatMul {
    MatMul {
        batch,
        m,
        n,
        k,
        dtype: DType::F32,
        a,
        b,
        d,
        bias: true,
        epilogue: Epilogue::None,
        tf32: false,
        alignment: 16,
    }
}

fn lies(leading: usize, transposed: bool, batch: usize) -> Matrix {
    Matrix { leading, transposed, batch }
}

/// The spec, element by element.
fn by_rows(op: &MatMul, a: &[f32], b: &[f32], bias: &[f32], d: &mut [f32]) {
    let at = |matrix: Matrix, i: usize, row: usize, column: usize| {
        let (outer, inner) = if matrix.transposed { (column, row) } else { (row, column) };
        i * matrix.batch + outer * matrix.leading + inner
    };
    for i in 0..op.batch {
        for row in 0..op.m {
            for column in 0..op.n {
                let sum: f32 = (0..op.k).map(|l| a[at(op.a, i, row, l)] * b[at(op.b, i, l, column)]).sum();
                d[at(op.d, i, row, column)] = sum + bias[column];
            }
        }
    }
}

/// What the library does with what it is given: every matrix column by column, the bias along the rows.
fn by_columns(product: &Product, first: &[f32], second: &[f32], bias: &[f32], out: &mut [f32]) {
    let at = |matrix: &Columns, i: usize, row: usize, column: usize| {
        let (row, column) = if matrix.transposed { (column, row) } else { (row, column) };
        assert!(row < matrix.rows && column < matrix.columns && matrix.leading >= matrix.rows);
        i * matrix.stride + column * matrix.leading + row
    };
    let depth = if product.first.transposed { product.first.rows } else { product.first.columns };
    for i in 0..product.batch {
        for row in 0..product.out.rows {
            for column in 0..product.out.columns {
                let sum: f32 = (0..depth)
                    .map(|l| first[at(&product.first, i, row, l)] * second[at(&product.second, i, l, column)])
                    .sum();
                out[at(&product.out, i, row, column)] = sum + bias[row];
            }
        }
    }
}

fn numbers(count: usize, seed: usize) -> Vec<f32> {
    (0..count).map(|i| ((i * 7 + seed * 13) % 11) as f32 - 5.0).collect()
}

fn agrees(op: &MatMul) -> Product {
    let (a, b, bias) = (numbers(400, 1), numbers(400, 2), numbers(op.n, 3));
    let (mut expected, mut found) = (vec![f32::NAN; 400], vec![f32::NAN; 400]);
    by_rows(op, &a, &b, &bias, &mut expected);
    let product = product(op).unwrap();
    by_columns(&product, &b, &a, &bias, &mut found);
    assert!(expected.iter().zip(&found).all(|(x, y)| x.to_bits() == y.to_bits()), "{op:?}");
    product
}

#[test]
fn every_layout_gives_what_the_spec_says() {
    for (m, n, k) in [(3, 5, 4), (1, 5, 4), (3, 1, 4), (3, 5, 1), (1, 1, 1)] {
        for ta in [false, true] {
            for tb in [false, true] {
                for (batch, shared, pad) in [(1, false, 0), (2, false, 0), (3, true, 2), (2, false, 3)] {
                    let a = lies(if ta { m } else { k } + pad, ta, 40);
                    let b = lies(if tb { k } else { n } + pad, tb, if shared { 0 } else { 50 });
                    agrees(&matmul(batch, [m, n, k], a, b, lies(n + pad, false, 45)));
                }
            }
        }
    }
}

#[test]
fn a_linear_layer_is_transposed_times_plain() {
    let product = agrees(&matmul(1, [3, 5, 4], lies(4, false, 0), lies(4, true, 0), lies(5, false, 0)));
    assert!(product.first.transposed && !product.second.transposed);
    assert_eq!((product.out.rows, product.out.columns, product.out.leading), (5, 3, 5));
}

#[test]
fn a_batch_that_shares_its_weight_is_one_product() {
    let op = matmul(4, [3, 5, 4], lies(6, false, 18), lies(4, true, 0), lies(7, false, 21));
    assert_eq!(agrees(&op).batch, 1);
    let apart = matmul(4, [3, 5, 4], lies(6, false, 20), lies(4, true, 0), lies(7, false, 21));
    assert_eq!(agrees(&apart).batch, 4);
}

#[test]
fn one_row_may_lie_at_any_distance() {
    let op = matmul(1, [1, 5, 4], lies(0, false, 0), lies(4, true, 0), lies(1, false, 0));
    assert_eq!(agrees(&op).out.leading, 5);
}

#[test]
fn refusals_say_why() {
    let plain = |m, n, k| matmul(1, [m, n, k], lies(k, false, 0), lies(n, false, 0), lies(n, false, 0));
    for empty in [plain(0, 5, 4), plain(3, 0, 4), plain(3, 5, 0)] {
        assert!(product(&empty).unwrap_err().contains("empty"));
    }
    let mut overlap = plain(3, 5, 4);
    overlap.a.leading = 2;
    assert!(product(&overlap).unwrap_err().contains("`a` overlap"));
    let mut column = plain(3, 5, 4);
    column.d.transposed = true;
    assert!(product(&column).unwrap_err().contains("row-major"));
    let mut huge = plain(3, 5, 4);
    (huge.n, huge.b.leading, huge.d.leading) = (1 << 32, 1 << 32, 1 << 32);
    assert!(product(&huge).unwrap_err().contains("count to"));
}
