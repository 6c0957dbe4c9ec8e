use super::support::{LIES, Lie, Tensor, check, each_float, extent, few, levels_known, on};
use crate::kernels::attention::attention;
use crate::level::Level;
use crate::tensor::Element;
use tintype_program::DType;

/// The levels, of which Miri knows some.
fn levels() -> impl Iterator<Item = Level> {
    levels_known(Some("vmaxps of 512 bits"))
}

fn naive<T: Element>(scale: f64, [q, k, v]: [&Tensor<T>; 3], mask: Option<&Tensor<T>>, i: &[usize]) -> f64 {
    let (keys, width) = (k.shape[2], k.shape[3]);
    let score = |t: usize| {
        let dot: f64 = (0..width).map(|d| q.at(&[i[0], i[1], i[2], d]) * k.at(&[i[0], i[1], t, d])).sum();
        scale * dot
            + mask.map_or(0.0, |mask| {
                let within = |axis: usize| if mask.shape[axis] == 1 { 0 } else { i[axis] };
                mask.at(&[within(0), within(1), within(2), t])
            })
    };
    let scores: Vec<f64> = (0..keys).map(score).collect();
    let largest = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let weights: Vec<f64> = scores.iter().map(|s| (s - largest).exp()).collect();
    let total: f64 = weights.iter().sum();
    (0..keys).map(|t| weights[t] / total * v.at(&[i[0], i[1], t, i[3]])).sum()
}

fn heads<T: Element>() {
    // Under Miri several blocks of queries and of keys, the last of each not whole.
    let second = if cfg!(miri) { [1, 1, 14, 35, 3, 2] } else { [2, 3, 5, 7, 9, 4] };
    let shapes = [[1, 1, 1, 1, 1, 1], second, [1, 2, 131, 70, 16, 3], [2, 1, 3, 1100, 33, 5]];
    for (case, [b, h, s, t, d, e]) in shapes.into_iter().take(few(4, 2)).enumerate() {
        for lie in LIES.into_iter().take(few(4, 1)) {
            let q = Tensor::<T>::random(1, &[b, h, s, d], lie);
            let k = Tensor::<T>::random(2, &[b, h, t, d], LIES[(case + 1) % 4]);
            let v = Tensor::<T>::random(3, &[b, h, t, e], lie);
            for mask in
                [None, Some([1, h, s, t]), Some([1, 1, s, t]), Some([b, 1, 1, t])].into_iter().take(few(4, 2))
            {
                let mask = mask.map(|shape| Tensor::<T>::random(4, &shape, lie));
                let scale = 1.7 / (d as f64).sqrt();
                let exact = |i: &[usize]| naive(scale, [&q, &k, &v], mask.as_ref(), i);
                for level in levels() {
                    let run = |out: &mut [T]| {
                        let mask = mask.as_ref().map(Tensor::view);
                        attention(level, scale, q.view(), k.view(), v.view(), mask, out);
                    };
                    // Weights in bf16 are each off by up to 2^-9 of themselves.
                    let rounded = level == Level::Avx512Bf16 && T::DTYPE == DType::Bf16;
                    let scale = if rounded { 2000.0 } else { 1.0 };
                    check(&format!("attention {level}"), &[b, h, s, e], scale, run, exact);
                }
            }
        }
    }
}

#[test]
fn attention_is_a_weighted_mean() {
    each_float!(heads);
}

#[test]
fn closed_keys_are_not_attended_and_closed_rows_are_nan() {
    let (s, t, width) = (3, extent(1030, 34), extent(8, 2));
    let x = |seed, rows| Tensor::<f32>::random(seed, &[1, 1, rows, width], Lie::Dense);
    let (q, k, v) = (x(1, s), x(2, t), x(3, t));
    // The first row is open, the second only far out, beyond whole blocks of closed keys, the third not at all.
    let open = |row: usize, key: usize| row == 0 || (row == 1 && key > extent(1024, 32));
    let mask = (0..s * t).map(|i| if open(i / t, i % t) { 0.0 } else { f32::NEG_INFINITY }).collect();
    let mask = Tensor::from(&[1, 1, s, t], mask);
    for level in levels() {
        let run =
            |out: &mut [f32]| attention(level, 0.4, q.view(), k.view(), v.view(), Some(mask.view()), out);
        let out = check("mask", &[1, 1, s, width], 1.0, run, |i| naive(0.4, [&q, &k, &v], Some(&mask), i));
        let (open, closed) = out.split_at(2 * width);
        assert!(open.iter().all(|v| v.is_finite()) && closed.iter().all(|v| v.is_nan()));
    }
}

fn pictures<T: Element>() {
    let [queries, width] = [extent(150, 13), extent(24, 2)];
    let heads = extent(2, 1);
    let shape = [3, heads, queries, width];
    let [q, k, v] = [1, 2, 3].map(|seed| Tensor::<T>::random(seed, &shape, Lie::Dense));
    let each = heads * queries * width;
    let level = levels().last().unwrap();
    let run = |pictures: std::ops::Range<usize>, threads: usize| {
        let shape = [pictures.len(), heads, queries, width];
        let strides = tintype_program::contiguous_strides(&shape);
        let part = |x: &Tensor<T>| x.view().data()[pictures.start * each..pictures.end * each].to_vec();
        let parts = [&q, &k, &v].map(part);
        let [q, k, v] = [0, 1, 2].map(|i| crate::tensor::View::new(&parts[i], &shape, &strides).unwrap());
        let mut out = vec![T::default(); pictures.len() * each];
        on(threads, || attention(level, 0.2, q, k, v, None, &mut out));
        bytemuck::cast_slice::<T, u8>(&out).to_vec()
    };
    let all = run(0..3, 1);
    assert!(all == run(0..3, 3));
    for picture in 0..3 {
        assert!(run(picture..picture + 1, 2) == all[picture * all.len() / 3..(picture + 1) * all.len() / 3]);
    }
}

#[test]
fn a_picture_has_the_same_bits_in_any_batch() {
    each_float!(pictures);
}
