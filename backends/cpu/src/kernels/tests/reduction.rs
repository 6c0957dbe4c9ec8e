use super::support::{LIES, Tensor, check, each_float, extent, few, index, on};
use crate::kernels::reduce::reduce;
use crate::tensor::{Element, View};
use tintype_program::Reduce;

fn axes<T: Element>() {
    let shape = [extent(3, 2), extent(5, 3), 2, extent(7, 3)];
    for lie in LIES.into_iter().take(few(4, 1)) {
        let x = Tensor::<T>::random(1, &shape, lie);
        for axes in [&[0][..], &[3], &[1, 2], &[0, 3], &[0, 1, 2, 3], &[2]] {
            for function in [Reduce::Sum, Reduce::Mean, Reduce::Max] {
                let mut kept = shape;
                axes.iter().for_each(|&axis| kept[axis] = 1);
                let extents: Vec<usize> = axes.iter().map(|&axis| shape[axis]).collect();
                let count: usize = extents.iter().product();
                let expected = |at: &[usize]| {
                    let values = (0..count).map(|i| {
                        let mut at = at.to_vec();
                        axes.iter().zip(index(i, &extents)).for_each(|(&axis, i)| at[axis] = i);
                        x.at(&at)
                    });
                    match function {
                        Reduce::Sum => values.sum(),
                        Reduce::Mean => values.sum::<f64>() / count as f64,
                        Reduce::Max => values.fold(f64::NEG_INFINITY, f64::max),
                    }
                };
                check("reduce", &kept, 0.0, |out: &mut [T]| reduce(function, axes, x.view(), out), expected);
            }
        }
    }
}

#[test]
fn reductions_run_over_any_axes() {
    each_float!(axes);
}

#[test]
fn a_million_elements_lose_nothing() {
    let rows = extent(200_000, 60);
    let data: Vec<f32> = (0..5 * rows + 3).map(|i| 1.0 + (i % 10) as f32 * 0.1).collect();
    let exact: f64 = data.iter().map(|v| f64::from(*v)).sum();
    for (shape, strides) in [([data.len(), 1], [1, 1]), ([1, data.len()], [1, 1])] {
        let mut out = [0f32];
        let view = View::new(&data, &shape, &strides).unwrap();
        on(extent(2, 1), || reduce(Reduce::Sum, &[0, 1], view, &mut out));
        assert!((f64::from(out[0]) / exact - 1.0).abs() < 1e-7);
    }
    let x = Tensor::from(&[rows, 5], data[..5 * rows].to_vec());
    let total = |j: usize| (0..rows).map(|i| x.at(&[i, j])).sum::<f64>();
    check(
        "columns",
        &[1, 5],
        0.0,
        |out: &mut [f32]| reduce(Reduce::Sum, &[0], x.view(), out),
        |at| total(at[1]),
    );
}

#[test]
fn nan_is_the_largest_and_nothing_sums_to_zero() {
    let x = Tensor::from(&[1, 9], vec![1.0f32, 2.0, f32::NAN, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0]);
    check("max", &[1, 1], 0.0, |out: &mut [f32]| reduce(Reduce::Max, &[1], x.view(), out), |_| f64::NAN);
    let y = Tensor::from(&[9, 1], vec![1.0f32, 2.0, f32::NAN, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0]);
    check("max", &[1, 1], 0.0, |out: &mut [f32]| reduce(Reduce::Max, &[0], y.view(), out), |_| f64::NAN);
    let none = Tensor::<f32>::from(&[2, 0], vec![]);
    check("sum", &[2, 1], 0.0, |out: &mut [f32]| reduce(Reduce::Sum, &[1], none.view(), out), |_| 0.0);
}
