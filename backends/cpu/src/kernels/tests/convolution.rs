use super::support::{LIES, Lie, Tensor, check, each_float, extent, few, index, levels, on};
use crate::kernels::convolution::{
    Geometry, convolution, convolution_doubled, convolution_packed, doubled_bytes, pack, pack_doubled,
    packed_bytes,
};
use crate::level::Level;
use crate::tensor::{Element, View};
use tintype_program::PadMode;

struct Case {
    x: Vec<usize>,
    weight: Vec<usize>,
    stride: Vec<usize>,
    padding: Vec<[usize; 2]>,
    dilation: Vec<usize>,
    groups: usize,
}

/// The first of them are all that Miri has time for: tiles of one to three vectors, of whole panels of outputs and of part of
/// one, several blocks along each axis, and groups, phases and dilation.
fn cases() -> Vec<Case> {
    let case = |x: &[usize],
                weight: &[usize],
                stride: &[usize],
                padding: &[[usize; 2]],
                dilation: &[usize],
                groups| Case {
        x: x.to_vec(),
        weight: weight.to_vec(),
        stride: stride.to_vec(),
        padding: padding.to_vec(),
        dilation: dilation.to_vec(),
        groups,
    };
    vec![
        case(&[1, 1, 3, 3], &[9, 1, 1, 2], &[1, 1], &[[0, 0], [1, 0]], &[1, 1], 1),
        case(&[1, 1, 19], &[5, 1, 3], &[1], &[[1, 1]], &[1], 1),
        case(&[1, 4, 3, 9], &[4, 2, 2, 2], &[1, 1], &[[1, 0], [0, 1]], &[1, 1], 2),
        case(&[1, 1, 5, 6], &[3, 1, 3, 3], &[2, 2], &[[0, 1], [0, 1]], &[1, 1], 1),
        case(&[1, 2, 3, 4], &[3, 2, 1, 1], &[1, 1], &[[0, 0], [0, 0]], &[1, 1], 1),
        case(&[1, 1, 2, 3, 4], &[1, 1, 2, 1, 3], &[1, 2, 1], &[[1, 0], [0, 0], [1, 1]], &[1, 1, 1], 1),
        case(&[2, 3, 9], &[4, 3, 3], &[2], &[[1, 2]], &[2], 1),
        case(&[2, 6, 7, 5], &[4, 3, 3, 3], &[1, 1], &[[1, 1], [1, 1]], &[1, 1], 2),
        case(&[1, 2, 8, 9], &[5, 2, 3, 3], &[2, 2], &[[0, 1], [0, 1]], &[1, 1], 1),
        case(&[2, 5, 6, 7], &[3, 5, 1, 1], &[1, 1], &[[0, 0], [0, 0]], &[1, 1], 1),
        case(&[1, 4, 6, 7], &[4, 1, 2, 3], &[1, 3], &[[2, 0], [4, 3]], &[2, 1], 4),
        case(&[1, 2, 3, 4, 5], &[3, 2, 2, 3, 3], &[1, 2, 1], &[[1, 0], [1, 1], [2, 1]], &[1, 1, 2], 1),
        case(&[1, 3, 1, 1], &[9, 3, 3, 3], &[1, 1], &[[1, 1], [1, 1]], &[1, 1], 1),
        case(&[1, 5, 5, 67], &[13, 5, 3, 3], &[1, 1], &[[1, 1], [1, 1]], &[1, 1], 1),
        case(&[1, 3, 9, 35], &[9, 3, 3, 3], &[2, 2], &[[0, 1], [0, 1]], &[1, 1], 1),
        case(&[1, 3, 8, 12], &[6, 3, 4, 4], &[4, 4], &[[0, 0], [0, 0]], &[1, 1], 1),
        case(&[1, 4, 5, 33], &[12, 2, 3, 3], &[1, 1], &[[2, 2], [3, 3]], &[2, 3], 2),
        case(&[1, 7, 3, 23], &[17, 7, 1, 1], &[1, 1], &[[0, 0], [0, 0]], &[1, 1], 1),
        case(&[1, 1, 9, 9], &[2, 1, 9, 9], &[1, 1], &[[4, 4], [4, 4]], &[1, 1], 1),
        case(&[1, 1, 2], &[1, 1, 9], &[1], &[[9, 9]], &[1], 1),
        case(&[1, 70, 30, 41], &[2, 70, 3, 3], &[1, 1], &[[1, 1], [1, 1]], &[1, 1], 1),
    ]
}

fn windows<T: Element>() {
    for case in cases().into_iter().take(few(21, 7)) {
        for mode in [PadMode::Zero, PadMode::Replicate].into_iter().take(few(2, 1)) {
            // The last case, of several blocks of depth, takes the loop long.
            let lies = if case.x[1] > 8 { &LIES[..1] } else { &LIES[..few(4, 1)] };
            lies.iter().for_each(|lie| one::<T>(&case, mode, *lie));
        }
    }
}

fn one<T: Element>(case: &Case, mode: PadMode, lie: Lie) {
    let Case { x, weight, stride, padding, dilation, groups } = case;
    let axes = stride.len();
    let (x, weight) = (Tensor::<T>::random(1, x, lie), Tensor::<T>::random(2, weight, lie));
    let bias = Tensor::<T>::random(3, &weight.shape[..1], lie);
    let mut shape = vec![x.shape[0], weight.shape[0]];
    for i in 0..axes {
        let room =
            x.shape[i + 2] + padding[i][0] + padding[i][1] - (weight.shape[i + 2] - 1) * dilation[i] - 1;
        shape.push(room / stride[i] + 1);
    }
    let taps: usize = weight.shape[1..].iter().product();
    let expected = |at: &[usize]| {
        let group = at[1] / (weight.shape[0] / groups);
        let mut sum = bias.at(&at[1..2]);
        for tap in 0..taps {
            let tap = index(tap, &weight.shape[1..]);
            let mut from = vec![at[0], group * weight.shape[1] + tap[0]];
            let mut inside = true;
            for i in 0..axes {
                let place =
                    (at[i + 2] * stride[i] + tap[i + 1] * dilation[i]) as isize - padding[i][0] as isize;
                let last = x.shape[i + 2] as isize - 1;
                inside &= (0..=last).contains(&place) || mode == PadMode::Replicate;
                from.push(place.clamp(0, last) as usize);
            }
            if inside {
                sum += x.at(&from) * weight.at(&[&at[1..2], &tap].concat());
            }
        }
        sum
    };
    let geometry = Geometry { stride, padding, dilation, groups: *groups, mode };
    for level in Level::ALL.into_iter().filter(|level| level.is_supported()) {
        let run =
            |out: &mut [T]| convolution(level, &geometry, x.view(), weight.view(), Some(bias.view()), out);
        let out = check(&format!("convolution {level}"), &shape, 1.0 + taps as f64 / 8.0, run, expected);
        if *groups != 1 {
            continue;
        }
        let mut bytes = vec![0f32; packed_bytes(level, T::DTYPE, &weight.shape) / 4];
        let bytes = bytemuck::cast_slice_mut(&mut bytes);
        pack(level, weight.view(), bytes).unwrap();
        let mut again = vec![T::default(); out.len()];
        let packed = (weight.shape.as_slice(), &*bytes);
        convolution_packed(level, &geometry, x.view(), packed, Some(bias.view()), &mut again).unwrap();
        assert!(bytemuck::cast_slice::<T, u8>(&again) == bytemuck::cast_slice::<T, u8>(&out));
    }
}

#[test]
fn convolutions_are_sums_over_windows() {
    each_float!(windows);
}

#[test]
fn convolutions_of_a_doubled_picture_are_sums_over_its_windows() {
    each_float!(doubled);
}

fn doubled<T: Element>() {
    let shapes: [(&[usize], usize); 4] =
        [(&[2, 3, 9], 5), (&[1, 5, 6, 35], 9), (&[1, 2, 1, 1], 3), (&[1, 3, 2, 3, 4], 2)];
    let small: [(&[usize], usize); 2] = [(&[1, 2, 9], 5), (&[1, 1, 2, 3], 2)];
    for (shape, outputs) in small.into_iter().chain(shapes).take(few(6, 2)) {
        for (mode, lie) in [(PadMode::Zero, Lie::Dense), (PadMode::Replicate, Lie::Reversed)] {
            doubled_one::<T>(shape, outputs, mode, lie);
        }
    }
}

fn doubled_one<T: Element>(shape: &[usize], outputs: usize, mode: PadMode, lie: Lie) {
    let axes = shape.len() - 2;
    let x = Tensor::<T>::random(1, shape, lie);
    let weight = Tensor::<T>::random(2, &[&[outputs, shape[1]], &vec![3; axes][..]].concat(), lie);
    let bias = Tensor::<T>::random(3, &[outputs], lie);
    let result: Vec<usize> =
        [shape[0], outputs].into_iter().chain(shape[2..].iter().map(|extent| 2 * extent)).collect();
    // Taps that see the same element, added up and rounded as weights are.
    let expected = |at: &[usize]| {
        let mut sums = std::collections::BTreeMap::<Vec<usize>, f32>::new();
        let taps: usize = weight.shape[1..].iter().product();
        for tap in (0..taps).map(|tap| index(tap, &weight.shape[1..])) {
            let place = |i: usize| (at[i + 2] + tap[i + 1]) as isize - 1;
            let inside = (0..axes).all(|i| (0..2 * shape[i + 2] as isize).contains(&place(i)));
            if inside || mode == PadMode::Replicate {
                // Beyond the edge is another element's place, though it holds the same.
                let from = (0..axes).map(|i| (place(i).div_euclid(2) + 1) as usize);
                let from = [tap[0]].into_iter().chain(from).collect();
                *sums.entry(from).or_default() += weight.at(&[&at[1..2], &tap[..]].concat()) as f32;
            }
        }
        let products = sums.into_iter().map(|(from, sum)| {
            let spatial = (0..axes).map(|i| from[i + 1].saturating_sub(1).min(shape[i + 2] - 1));
            let from: Vec<usize> = [at[0], from[0]].into_iter().chain(spatial).collect();
            x.at(&from) * f64::from(T::from_f32(sum).to_f32())
        });
        bias.at(&at[1..2]) + products.sum::<f64>()
    };
    for level in levels() {
        let mut bytes = vec![0f32; doubled_bytes(level, T::DTYPE, &weight.shape) / 4];
        let bytes = bytemuck::cast_slice_mut(&mut bytes);
        pack_doubled(level, weight.view(), bytes).unwrap();
        let packed = (weight.shape.as_slice(), &*bytes);
        let run = |out: &mut [T]| {
            convolution_doubled(level, mode, x.view(), packed, Some(bias.view()), out).unwrap()
        };
        check(&format!("doubled {level}"), &result, 1.0 + weight.shape[1] as f64, run, expected);
    }
}

#[test]
fn a_picture_has_the_same_bits_in_any_batch() {
    Level::ALL.into_iter().filter(|level| level.is_supported()).for_each(|level| {
        same_bits::<f32>(level);
        same_bits::<half::bf16>(level);
    });
}

fn same_bits<T: Element>(level: Level) {
    let [inputs, outputs, rows, columns] = [extent(70, 1), extent(60, 9), extent(40, 2), extent(33, 9)];
    let x = Tensor::<T>::random(1, &[3, inputs, rows, columns], Lie::Dense);
    let weight = Tensor::<T>::random(2, &[outputs, inputs, 3, 3], Lie::Dense);
    let geometry = Geometry {
        stride: &[1, 1],
        padding: &[[1, 1], [1, 1]],
        dilation: &[1, 1],
        groups: 1,
        mode: PadMode::Zero,
    };
    let run = |pictures: std::ops::Range<usize>, threads: usize| {
        let shape = [pictures.len(), inputs, rows, columns];
        let strides = tintype_program::contiguous_strides(&shape);
        let each = inputs * rows * columns;
        let data = &x.view().data()[pictures.start * each..pictures.end * each];
        let mut out = vec![T::default(); pictures.len() * outputs * rows * columns];
        on(threads, || {
            convolution(
                level,
                &geometry,
                View::new(data, &shape, &strides).unwrap(),
                weight.view(),
                None,
                &mut out,
            )
        });
        out.iter().map(|v| v.to_f32().to_bits()).collect::<Vec<_>>()
    };
    let all = run(0..3, 1);
    assert!(all == run(0..3, 3));
    for picture in 0..3 {
        assert!(run(picture..picture + 1, 2) == all[picture * all.len() / 3..(picture + 1) * all.len() / 3]);
    }
}
