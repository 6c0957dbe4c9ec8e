use super::support::{LIES, Lie, Tensor, check, each_float, extent, few, levels};
use crate::kernels::{norm, rotary, softmax};
use crate::level::Level;
use crate::tensor::Element;
use tintype_program::Pairing;

fn moments(values: &[f64]) -> [f64; 2] {
    let mean = values.iter().sum::<f64>() / values.len() as f64;
    [mean, values.iter().map(|v| (v - mean) * (v - mean)).sum::<f64>() / values.len() as f64]
}

fn norms<T: Element>(level: Level) {
    for (shape, lie) in [
        ([extent(3, 1), extent(5, 2), 7], Lie::Dense),
        ([extent(3, 1), extent(5, 2), 7], Lie::Gaps),
        ([extent(2, 1), extent(3, 2), extent(1030, 37)], Lie::Rows),
        ([extent(4, 1), 2, 1], Lie::Reversed),
    ] {
        let (x, d) = (Tensor::<T>::random(1, &shape, lie), shape[2]);
        let [weight, bias] = [2, 3].map(|seed| Tensor::<T>::random(seed, &[d], lie));
        let row = |at: &[usize]| (0..d).map(|i| x.at(&[at[0], at[1], i])).collect::<Vec<_>>();
        let standard = |at: &[usize]| {
            let [mean, variance] = moments(&row(at));
            (x.at(at) - mean) / (variance + 1e-5).sqrt()
        };
        let affine = Some([weight.view(), bias.view()]);
        let with = |at: &[usize]| standard(at) * weight.at(&at[2..]) + bias.at(&at[2..]);
        check(
            "layer norm",
            &shape,
            3.0,
            |out: &mut [T]| norm::layer_norm(level, 1e-5, x.view(), affine, out),
            with,
        );
        check(
            "layer norm",
            &shape,
            3.0,
            |out: &mut [T]| norm::layer_norm(level, 1e-5, x.view(), None, out),
            standard,
        );
        let unit = |at: &[usize]| {
            let square = row(at).iter().map(|v| v * v).sum::<f64>() / d as f64;
            x.at(at) / (square + 1e-6).sqrt()
        };
        let scaled = |at: &[usize]| unit(at) * weight.at(&at[2..]);
        let weight = Some(weight.view());
        check(
            "rms norm",
            &shape,
            2.0,
            |out: &mut [T]| norm::rms_norm(level, 1e-6, x.view(), None, out),
            unit,
        );
        check(
            "rms norm",
            &shape,
            2.0,
            |out: &mut [T]| norm::rms_norm(level, 1e-6, x.view(), weight, out),
            scaled,
        );
    }
}

#[test]
fn rows_are_standardised() {
    levels().for_each(|level| each_float!(norms, level));
}

fn groups<T: Element>(level: Level) {
    for (shape, groups) in [
        ([2, 6, extent(5, 1), 3], 3),
        ([1, extent(4, 2), extent(70, 10), extent(61, 7)], 2),
        ([2, 3, 1, 1], 1),
    ] {
        for lie in LIES.into_iter().take(few(4, 1)) {
            let x = Tensor::<T>::random(1, &shape, lie);
            let [weight, bias] = [2, 3].map(|seed| Tensor::<T>::random(seed, &shape[1..2], lie));
            let each = shape[1] / groups;
            let part = |picture: usize, group: usize| {
                let values = (0..each * shape[2] * shape[3]).map(|i| {
                    let at = super::support::index(i, &[each, shape[2], shape[3]]);
                    x.at(&[picture, group * each + at[0], at[1], at[2]])
                });
                moments(&values.collect::<Vec<_>>())
            };
            let all: Vec<[f64; 2]> = (0..shape[0] * groups).map(|i| part(i / groups, i % groups)).collect();
            let expected = |at: &[usize]| {
                let [mean, variance] = all[at[0] * groups + at[1] / each];
                (x.at(at) - mean) / (variance + 1e-6).sqrt() * weight.at(&at[1..2]) + bias.at(&at[1..2])
            };
            let affine = Some([weight.view(), bias.view()]);
            check(
                "group norm",
                &shape,
                3.0,
                |out: &mut [T]| norm::group_norm(level, groups, 1e-6, x.view(), affine, out),
                expected,
            );
        }
    }
}

#[test]
fn groups_are_standardised() {
    levels().for_each(|level| each_float!(groups, level));
}

#[test]
fn a_large_mean_does_not_drown_the_variance() {
    let count = extent(4096, 70);
    let x = Tensor::from(&[1, 1, count], (0..count).map(|i| 1000.0 + (i % 2) as f32 * 0.5).collect());
    let expected = |at: &[usize]| if at[2].is_multiple_of(2) { -1.0 } else { 1.0 };
    check(
        "layer norm",
        &[1, 1, count],
        1.0,
        |out: &mut [f32]| norm::layer_norm(Level::best(), 0.0, x.view(), None, out),
        expected,
    );
    check(
        "group norm",
        &[1, 1, count],
        1.0,
        |out: &mut [f32]| norm::group_norm(Level::best(), 1, 0.0, x.view(), None, out),
        expected,
    );
}

fn exponentials<T: Element>(level: Level) {
    let shape = [2, extent(70, 2), extent(3, 1), extent(5, 67)];
    for lie in LIES.into_iter().take(few(4, 1)) {
        let x = Tensor::<T>::random(1, &shape, lie);
        // Under Miri one axis of several columns at once, and the innermost.
        for axis in (0..4).skip(extent(0, 1)).step_by(extent(1, 2)) {
            let expected = |at: &[usize]| {
                let value = |i: usize| {
                    let mut at = at.to_vec();
                    at[axis] = i;
                    x.at(&at).exp()
                };
                x.at(at).exp() / (0..shape[axis]).map(value).sum::<f64>()
            };
            check(
                "softmax",
                &shape,
                0.1,
                |out: &mut [T]| softmax::softmax(level, axis, x.view(), out),
                expected,
            );
        }
    }
}

#[test]
fn softmax_runs_along_any_axis() {
    levels().for_each(|level| each_float!(exponentials, level));
    let closed = Tensor::from(&[1, 3], vec![f32::NEG_INFINITY; 3]);
    check(
        "softmax",
        &[1, 3],
        1.0,
        |out| softmax::softmax(Level::best(), 1, closed.view(), out),
        |_| f64::NAN,
    );
    let large = Tensor::from(&[1, 2], vec![1000.0f32, 1000.0]);
    check("softmax", &[1, 2], 1.0, |out| softmax::softmax(Level::best(), 1, large.view(), out), |_| 0.5);
}

fn turns<T: Element>(level: Level) {
    let shape = [extent(2, 1), extent(3, 2), extent(5, 2), 8];
    for lie in LIES.into_iter().take(few(4, 1)) {
        let x = Tensor::<T>::random(1, &shape, lie);
        let [cos, sin] = [2, 3].map(|seed| Tensor::<f32>::random(seed, &shape[2..], lie));
        for pairing in [Pairing::Interleaved, Pairing::Halves] {
            let expected = |at: &[usize]| {
                let i = at[3];
                let (other, sign) = match pairing {
                    Pairing::Interleaved => (i ^ 1, if i.is_multiple_of(2) { -1.0 } else { 1.0 }),
                    Pairing::Halves => ((i + 4) % 8, if i < 4 { -1.0 } else { 1.0 }),
                };
                x.at(at) * cos.at(&at[2..]) + sign * x.at(&[at[0], at[1], at[2], other]) * sin.at(&at[2..])
            };
            check(
                "rotary",
                &shape,
                1.0,
                |out: &mut [T]| rotary::rotary(level, pairing, x.view(), cos.view(), sin.view(), out),
                expected,
            );
        }
    }
}

#[test]
fn pairs_are_turned() {
    levels().for_each(|level| each_float!(turns, level));
}
