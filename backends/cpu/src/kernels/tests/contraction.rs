use super::support::{LIES, Lie, Tensor, check, each_float, extent, few, on};
use crate::kernels::encoded::{Encoded, decode};
use crate::kernels::gemm::{Matrix, gemm};
use crate::kernels::linear::{Weight, linear};
use crate::kernels::matmul::matmul;
use crate::tensor::Element;
use tintype_accel::encode;
use tintype_program::{Activation, DType, Encoding, Fp8Format, ScaleGranularity, TensorType};

fn products<T: Element>() {
    let shapes = [
        ([1, 1], [1, 1, 1]),
        ([extent(2, 1), extent(3, 2)], [5, 7, 3]),
        ([1, 2], [33, 1, 65]),
        ([3, 1], [1, 600, 9]),
        ([1, 1], [300, 513, 5]),
    ];
    for (case, (outer, [m, k, n])) in shapes.into_iter().take(few(5, 2)).enumerate() {
        for lie in LIES.into_iter().take(few(4, 1)) {
            let a = Tensor::<T>::random(case as u64, &[outer[0], outer[1], m, k], lie);
            let b = Tensor::<T>::random(9, &[outer[0], outer[1], k, n], LIES[(case + 1) % 4]);
            let expected = |i: &[usize]| {
                (0..k).map(|p| a.at(&[i[0], i[1], i[2], p]) * b.at(&[i[0], i[1], p, i[3]])).sum()
            };
            let scale = (k as f64).sqrt();
            check(
                "matmul",
                &[outer[0], outer[1], m, n],
                scale,
                |out| matmul(a.view(), b.view(), out),
                expected,
            );
        }
    }
}

#[test]
fn matmul_is_sums_of_products() {
    each_float!(products);
}

#[test]
fn a_product_without_depth_is_zero() {
    let (a, b) = (Tensor::<f32>::from(&[2, 3, 0], vec![]), Tensor::from(&[2, 0, 4], vec![]));
    check("matmul", &[2, 3, 4], 0.0, |out| matmul(a.view(), b.view(), out), |_| 0.0);
}

fn layers<T: Element>() {
    let shapes = [
        (vec![], 5, 3),
        (vec![3], extent(17, 9), extent(260, 17)),
        (vec![2, 130], 70, 5),
        (vec![2, 3, 2], 1025, 31),
    ];
    for (outer, k, n) in shapes.into_iter().take(few(4, 2)) {
        for lie in LIES.into_iter().take(few(4, 1)) {
            let shape = [&outer[..], &[k]].concat();
            let x = Tensor::<T>::random(1, &shape, lie);
            let weight = Tensor::<T>::random(2, &[n, k], lie);
            let bias = Tensor::<T>::random(3, &[n], lie);
            let expected = |i: &[usize]| {
                let (row, j) = (&i[..i.len() - 1], i[i.len() - 1]);
                let sum: f64 = (0..k).map(|p| x.at(&[row, &[p]].concat()) * weight.at(&[j, p])).sum();
                sum + bias.at(&[j])
            };
            let shape = [&outer[..], &[n]].concat();
            let run = |out: &mut [T]| {
                linear(Activation::Keep, x.view(), Weight::Plain(weight.view()), Some(bias.view()), out);
            };
            check("linear", &shape, (k as f64).sqrt(), run, expected);
        }
    }
}

#[test]
fn linear_layers_add_a_bias() {
    each_float!(layers);
}

fn encoded<T: Element>() {
    let [n, k] = [extent(7, 2), extent(96, 32)];
    let rows = extent(5, 2);
    let ty = TensorType::new(T::DTYPE, [n, k]);
    let x = Tensor::<T>::random(1, &[rows, k], Lie::Rows);
    let values = Tensor::<f32>::random(2, &[n * k], Lie::Dense);
    let values: Vec<f32> = (0..n * k).map(|i| values.get(&[i])).collect();
    let mut encodings = vec![Encoding::Nf4 { block: 32 }];
    for format in Fp8Format::ALL {
        for scales in [ScaleGranularity::Tensor, ScaleGranularity::Row, ScaleGranularity::Block { size: 16 }]
        {
            encodings.push(Encoding::Fp8 { format, scales });
        }
    }
    let count = few(encodings.len(), 3);
    for encoding in encodings.into_iter().take(count) {
        let bytes = encode::encode(&values, &ty, &encoding).unwrap();
        let plain = encode::decode(&bytes, &ty, &encoding).unwrap();
        let weight = Encoded::new(&bytes, &ty, &encoding).unwrap();
        check(
            "decode",
            &[n, k],
            0.0,
            |out: &mut [T]| decode(&weight, out),
            |i| f64::from(plain[i[0] * k + i[1]]),
        );
        let sum = |i: &[usize]| (0..k).map(|p| x.at(&[i[0], p]) * f64::from(plain[i[1] * k + p])).sum();
        let run = |out: &mut [T]| linear(Activation::Keep, x.view(), Weight::Encoded(weight), None, out);
        check("encoded linear", &[rows, n], 10.0, run, sum);
    }
    assert!(Encoded::new(&[0; 8], &ty, &Encoding::Nf4 { block: 32 }).is_err());
}

#[test]
fn encoded_weights_are_decoded_as_they_are_read() {
    each_float!(encoded);
}

#[test]
fn dynamic_fp8_rounds_each_row_by_its_largest_magnitude() {
    let x =
        Tensor::from(&[3, 4], vec![448.0f32, 1.0, -1.125, 1.01, 0.0, 0.0, 0.0, 0.0, 1.0, -0.03, 0.5, 0.21]);
    let eye = Tensor::from(&[4, 4], (0..16).map(|i| f32::from(i % 5 == 0)).collect());
    let row = |i: usize| {
        let values: Vec<f32> = (0..4).map(|j| x.get(&[i, j])).collect();
        let ty = TensorType::new(DType::F32, [4]);
        let encoding = Encoding::Fp8 { format: Fp8Format::E4m3, scales: ScaleGranularity::Tensor };
        encode::decode(&encode::encode(&values, &ty, &encoding).unwrap(), &ty, &encoding).unwrap()
    };
    let run =
        |out: &mut [f32]| linear(Activation::DynamicFp8, x.view(), Weight::Plain(eye.view()), None, out);
    check("dynamic fp8", &[3, 4], 0.0, run, |i| f64::from(row(i[0])[i[1]]));
}

/// The bits of each row, alone and among others, on one thread and on three.
fn invariance<T: Element>() {
    for (k, n) in [(extent(3, 9), extent(4, 17)), (40, 257), (1100, 270), (513, 1), (2, 70), (700, 3)]
        .into_iter()
        .take(few(6, 1))
    {
        let weight = Tensor::<T>::random(2, &[n, k], Lie::Rows);
        for m in [extent(2, 3), 3, 16, 17, 77, 150, 1030].into_iter().take(few(7, 1)) {
            let x = Tensor::<T>::random(1, &[m, k], Lie::Rows);
            let run = |rows: usize, from: usize, threads: usize| {
                let mut out = vec![T::default(); rows * n];
                let strides = [k + 5, 1];
                let shape = [rows, k];
                let view = crate::tensor::View::new(&x.view().data()[from * strides[0]..], &shape, &strides)
                    .unwrap();
                on(threads, || linear(Activation::Keep, view, Weight::Plain(weight.view()), None, &mut out));
                out
            };
            let all = run(m, 0, 1);
            assert!(bytemuck::cast_slice::<T, u8>(&all) == bytemuck::cast_slice::<T, u8>(&run(m, 0, 3)));
            for (from, rows) in
                [(0, 1), (m - 1, 1), (m / 2, m - m / 2), (0, m.min(5))].into_iter().take(few(4, 2))
            {
                let part = run(rows, from, 2);
                let whole = &all[from * n..(from + rows) * n];
                let same = bytemuck::cast_slice::<T, u8>(&part) == bytemuck::cast_slice::<T, u8>(whole);
                assert!(same, "{:?} m {m} k {k} n {n}, {rows} rows from {from}", T::DTYPE);
            }
        }
    }
}

#[test]
fn a_row_has_the_same_bits_in_any_company() {
    each_float!(invariance);
}

#[test]
fn sums_are_added_to_what_is_there() {
    for [m, n, k] in [
        [1, 1, 1],
        [1, 5, 40],
        [5, 1, 40],
        [3, 4, 2],
        [4, 4, extent(700, 18)],
        [3, 90, 5],
        [extent(40, 17), extent(50, 18), extent(60, 5)],
    ] {
        let (a, b) =
            (Tensor::<f32>::random(1, &[m, k], Lie::Dense), Tensor::<f32>::random(2, &[n, k], Lie::Dense));
        let mut c = vec![0.5; m * (n + 3)];
        let sides = [a.view().data(), b.view().data()];
        gemm([m, n, k], Matrix::new(sides[0], [k, 1]), Matrix::new(sides[1], [1, k]), &mut c, n + 3, true);
        for (i, value) in c.iter().enumerate() {
            let (row, column) = (i / (n + 3), i % (n + 3));
            let sum: f64 =
                if column < n { (0..k).map(|p| a.at(&[row, p]) * b.at(&[column, p])).sum() } else { 0.0 };
            assert!((f64::from(*value) - 0.5 - sum).abs() < 1e-6 + 1e-7 * k as f64, "{m} {n} {k} {i}");
        }
    }
}
