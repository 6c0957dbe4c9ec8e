//! Every level that the machine has against a loop in f64, and the bits of rows in any company.

use super::{Panels, linear, pack, packed_bytes};
use crate::kernels::tests::support::{
    LIES, Lie, Tensor, check, each_float, extent, few, levels, levels_known, on,
};
use crate::level::Level;
use crate::tensor::{Element, View};
use tintype_program::DType;

/// A weight's panels, in memory as aligned as a plugin's.
pub struct Packed(Vec<[f32; 16]>, [usize; 3]);

impl Packed {
    pub fn new<T: Element>(level: Level, weight: &View<T>) -> Self {
        let [n, k] = [weight.shape()[0], weight.shape()[1]];
        let bytes = packed_bytes(level, T::DTYPE, n, k);
        // Not zeros, so that a pad left unwritten shows.
        let mut lines = vec![[f32::NAN; 16]; bytes.div_ceil(64)];
        pack(level, weight, &mut bytemuck::cast_slice_mut(&mut lines)[..bytes]);
        Self(lines, [n, k, bytes])
    }

    pub fn panels(&self) -> Panels<'_> {
        let [n, k, bytes] = self.1;
        Panels { bytes: &bytemuck::cast_slice(&self.0)[..bytes], n, k }
    }
}

/// The levels, of which Miri knows some.
fn levels_of<T: Element>() -> impl Iterator<Item = Level> {
    levels_known((T::DTYPE == DType::F16).then_some("vcvtph2ps of 512 bits"))
}

fn layers<T: Element>() {
    let shapes = [
        (vec![], 5, 3),
        (vec![extent(3, 7)], 17, extent(260, 17)),
        (vec![2, 20], 70, 5),
        (vec![2, 3, 2], 1025, 31),
        (vec![1], 1, 1),
        (vec![205], 40, 530),
        (vec![4], 0, 3),
    ];
    for level in levels_of::<T>() {
        for (case, (outer, k, n)) in shapes.iter().take(few(7, 2)).enumerate() {
            let (k, n) = (*k, *n);
            for lie in [LIES[case % 4], LIES[(case + 2) % 4]].into_iter().take(few(2, 1)) {
                let shape = [&outer[..], &[k]].concat();
                let x = Tensor::<T>::random(1, &shape, lie);
                let weight = Tensor::<T>::random(2, &[n, k], lie);
                let bias = Tensor::<T>::random(3, &[n], lie);
                let packed = Packed::new(level, &weight.view());
                for bias in [Some(&bias), None].into_iter().take(few(2, 1)) {
                    let expected = |i: &[usize]| {
                        let (row, j) = (&i[..i.len() - 1], i[i.len() - 1]);
                        let sum: f64 = (0..k).map(|p| x.at(&[row, &[p]].concat()) * weight.at(&[j, p])).sum();
                        sum + bias.map_or(0.0, |bias| bias.at(&[j]))
                    };
                    let shape = [&outer[..], &[n]].concat();
                    let run =
                        |out: &mut [T]| linear(level, x.view(), packed.panels(), bias.map(Tensor::view), out);
                    check(level.name(), &shape, (k as f64).sqrt(), run, expected);
                }
            }
        }
    }
}

#[test]
fn packed_layers_are_sums_of_products() {
    each_float!(layers);
}

/// Kernels have a body for each number of rows.
#[test]
fn any_number_of_rows_is_multiplied() {
    let weight = Tensor::<f32>::random(2, &[2, 2], Lie::Dense);
    for level in levels() {
        let packed = Packed::new(level, &weight.view());
        for rows in 1..=13 {
            let x = Tensor::<f32>::random(1, &[rows, 2], Lie::Dense);
            let expected = |i: &[usize]| (0..2).map(|p| x.at(&[i[0], p]) * weight.at(&[i[1], p])).sum();
            let run = |out: &mut [f32]| linear(level, x.view(), packed.panels(), None, out);
            check(level.name(), &[rows, 2], 1.0, run, expected);
        }
    }
}

/// The bits of each row, alone and among others, on one thread and on three.
fn invariance<T: Element>() {
    for level in levels_of::<T>() {
        for (k, n) in
            [(extent(40, 9), extent(257, 17)), (3, 4), (1100, 70), (513, 1)].into_iter().take(few(4, 1))
        {
            let weight = Tensor::<T>::random(2, &[n, k], Lie::Rows);
            let packed = Packed::new(level, &weight.view());
            for m in [extent(1, 7), 3, 13, 40, 230].into_iter().take(few(5, 1)) {
                let x = Tensor::<T>::random(1, &[m, k], Lie::Rows);
                let run = |rows: usize, from: usize, threads: usize| {
                    let mut out = vec![T::default(); rows * n];
                    let strides = [k + 5, 1];
                    let shape = [rows, k];
                    let view = View::new(&x.view().data()[from * strides[0]..], &shape, &strides).unwrap();
                    on(threads, || linear(level, view, packed.panels(), None, &mut out));
                    bytemuck::cast_slice::<T, u8>(&out).to_vec()
                };
                let all = run(m, 0, 1);
                assert!(all == run(m, 0, 3), "{level} {:?} m {m} k {k} n {n} on 3 threads", T::DTYPE);
                let row = n * size_of::<T>();
                for (from, rows) in
                    [(0, 1), (m - 1, 1), (m / 2, m - m / 2), (0, m.min(5))].into_iter().take(few(4, 2))
                {
                    let same = run(rows, from, 2) == all[from * row..(from + rows) * row];
                    assert!(same, "{level} {:?} m {m} k {k} n {n}, {rows} rows from {from}", T::DTYPE);
                }
            }
        }
    }
}

#[test]
fn a_row_has_the_same_bits_in_any_company() {
    each_float!(invariance);
}

/// What is not finite stays in its row and column, past which zeros are padded.
#[test]
fn infinities_stay_where_they_are() {
    for level in levels() {
        let mut data = vec![1.0f32; 3 * 7];
        data[9] = f32::INFINITY;
        let x = Tensor::from(&[3, 7], data);
        let weight = Tensor::from(&[5, 7], vec![0.5f32; 5 * 7]);
        let packed = Packed::new(level, &weight.view());
        let expected = |i: &[usize]| if i[0] == 1 { f64::INFINITY } else { 3.5 };
        let out = &mut [0f32; 15];
        linear(level, x.view(), packed.panels(), None, out);
        for (i, value) in out.iter().enumerate() {
            assert_eq!(f64::from(*value), expected(&[i / 5]), "{level}");
        }
    }
}
