//! Row "conv2d" of the reference: spatial_convolution, as patches times weights.

use std::mem::offset_of;

use super::lanes::{floats, from_floats};
use super::matmul::{Matrix, multiply};
use super::support::{is, need, plain, same, strides};
use super::{Call, Data, Kind, Results};
use crate::abi::DataType;
use crate::abi::graph_params::{SynConvolutionParams as P, SynConvolutionParamsV2 as V2};

pub const KINDS: &[Kind] = &[plain!("spatial_convolution", check, run)];

/// Where each letter of a layout is among the dimensions.
fn letters<const N: usize>(
    layouts: &[String],
    index: usize,
    native: &str,
    wanted: [char; N],
) -> Result<[usize; N], String> {
    let layout = match layouts.get(index) {
        Some(layout) if !layout.is_empty() => layout.as_str(),
        _ => native,
    };
    let mut dims = [0; N];
    for (dim, letter) in dims.iter_mut().zip(wanted) {
        *dim = layout.find(letter).filter(|_| layout.len() == N).ok_or_else(|| format!("layout {layout}"))?;
    }
    Ok(dims)
}

/// Dimensions W, H, C, N of a picture; S, R, C, K of weights. Without layouts the native CWHN and KCSR hold.
struct Dims {
    x: [usize; 4],
    w: [usize; 4],
    y: [usize; 4],
}

fn dims(call: &Call) -> Result<Dims, String> {
    let picture = ['W', 'H', 'C', 'N'];
    Ok(Dims {
        x: letters(call.input_layouts, 0, "CWHN", picture)?,
        w: letters(call.input_layouts, 1, "KCSR", ['S', 'R', 'C', 'K'])?,
        y: letters(call.output_layouts, 0, "CWHN", picture)?,
    })
}

fn check(call: &Call) -> Result<(), String> {
    // A fourth input, added to the result (CIN), is not computed here.
    call.counts(2..=3, 1..=1)?;
    call.sizes_of_params(&[size_of::<P>(), size_of::<V2>()])?;
    need(call.i32(offset_of!(V2, padding_type)) == 0, || "only explicit padding is computed here".into())?;
    let activation = offset_of!(P, activation);
    need(!call.flag(activation) && call.u64(activation + 8) == 0 && call.u64(activation + 16) == 0, || {
        "activations are not computed here".into()
    })?;
    let (x, w, y) = (call.input(0)?, call.input(1)?, call.output(0)?);
    need(matches!(x.dtype, DataType::F32 | DataType::Bf16 | DataType::F16), || {
        format!("no convolution of {}", x.dtype.suffix())
    })?;
    is(w, x.dtype, "the weight")?;
    need(y.dtype == x.dtype || y.dtype == DataType::F32, || format!("an output of {}", y.dtype.suffix()))?;
    need([x, w, y].iter().all(|desc| desc.rank() == 4), || "four dimensions are taken".into())?;
    let Dims { x: xd, w: wd, y: yd } = dims(call)?;
    let [kw, kh] = [call.u32(offset_of!(P, k_w)), call.u32(offset_of!(P, k_h))].map(u64::from);
    need((1..=255).contains(&kw) && (1..=255).contains(&kh), || format!("a kernel of {kw} x {kh}"))?;
    same(&[kw, kh], &[w.sizes[wd[0]], w.sizes[wd[1]]], "kernel of the parameters and of the weight")?;
    let groups = u64::from(call.u32(offset_of!(P, n_groups)));
    let (channels, filters) = (x.sizes[xd[2]], w.sizes[wd[3]]);
    need(groups > 0 && channels == w.sizes[wd[2]] * groups && filters % groups == 0, || {
        format!("{channels} channels, {filters} filters of {} in {groups} groups", w.sizes[wd[2]])
    })?;
    let out = |size: u64, kernel: u64, stride: u64, dilation: u64, pads: [i32; 2]| -> Result<u64, String> {
        need(stride > 0 && dilation > 0 && pads.iter().all(|&pad| pad >= 0), || {
            "strides, dilations or pads".into()
        })?;
        let padded = size + pads.iter().map(|&pad| pad as u64).sum::<u64>();
        padded
            .checked_sub(dilation * (kernel - 1) + 1)
            .map(|room| room / stride + 1)
            .ok_or("the kernel is too large".into())
    };
    let u = |offset: usize| u64::from(call.u32(offset));
    let pads = |a: usize, b: usize| [call.i32(a), call.i32(b)];
    let width = out(
        x.sizes[xd[0]],
        kw,
        u(offset_of!(P, d_w)),
        u(offset_of!(P, dil_w)),
        pads(offset_of!(P, pad_l), offset_of!(P, pad_r)),
    )?;
    let height = out(
        x.sizes[xd[1]],
        kh,
        u(offset_of!(P, d_h)),
        u(offset_of!(P, dil_h)),
        pads(offset_of!(P, pad_t), offset_of!(P, pad_b)),
    )?;
    let given: Vec<u64> = yd.iter().map(|&dim| y.sizes[dim]).collect();
    same(&[width, height, filters, x.sizes[xd[3]]], &given, "the output as W, H, C, N")?;
    if let Some(bias) = call.maybe(2) {
        need(bias.dtype == y.dtype || bias.dtype == DataType::F32, || "the bias has another type".into())?;
        same(&[filters], &bias.sizes, "the bias and the filters")?;
    }
    Ok(())
}

fn run(call: &Call, data: &Data) -> Results {
    let (x, w, y) = (call.input(0)?, call.input(1)?, call.output(0)?);
    let Dims { x: xd, w: wd, y: yd } = dims(call)?;
    let picture = floats(data[0].unwrap_or_default(), x.dtype);
    let weight = floats(data[1].unwrap_or_default(), w.dtype);
    let bias = match (call.maybe(2), data.get(2)) {
        (Some(desc), Some(Some(bytes))) => Some(floats(bytes, desc.dtype)),
        _ => None,
    };
    let step = |sizes: &[u64], dims: [usize; 4]| dims.map(|dim| strides(sizes)[dim]);
    let (xs, ws, ys) = (step(&x.sizes, xd), step(&w.sizes, wd), step(&y.sizes, yd));
    let u = |offset: usize| call.u32(offset) as usize;
    let [kw, kh, dw, dh] =
        [u(offset_of!(P, k_w)), u(offset_of!(P, k_h)), u(offset_of!(P, d_w)), u(offset_of!(P, d_h))];
    let [left, top, lw, lh] =
        [u(offset_of!(P, pad_l)), u(offset_of!(P, pad_t)), u(offset_of!(P, dil_w)), u(offset_of!(P, dil_h))];
    let groups = u(offset_of!(P, n_groups));
    let [width, height, _, batch] = xd.map(|dim| x.sizes[dim] as usize);
    let [out_width, out_height, filters, _] = yd.map(|dim| y.sizes[dim] as usize);
    let (per_group, out_per_group) = (w.sizes[wd[2]] as usize, filters / groups);
    let taps = per_group * kh * kw;
    // Weights as [filter, channel, row, column], whatever their layout.
    let mut dense = Vec::with_capacity(filters * taps);
    for filter in 0..filters {
        for (channel, row, column) in each(per_group, kh, kw) {
            dense.push(weight[column * ws[0] + row * ws[1] + channel * ws[2] + filter * ws[3]]);
        }
    }
    let pixels = out_width * out_height;
    let mut patches = vec![0f32; taps * pixels];
    let mut product = vec![0f32; out_per_group * pixels];
    let mut out = vec![0f32; y.elements() as usize];
    for (n, group) in (0..batch).flat_map(|n| (0..groups).map(move |group| (n, group))) {
        for ((channel, row, column), line) in each(per_group, kh, kw).zip(patches.chunks_exact_mut(pixels)) {
            let base = n * xs[3] + (group * per_group + channel) * xs[2];
            for (oy, pixels) in line.chunks_exact_mut(out_width).enumerate() {
                let from_y = (oy * dh + row * lh).checked_sub(top).filter(|&at| at < height);
                for (ox, pixel) in pixels.iter_mut().enumerate() {
                    let from_x = (ox * dw + column * lw).checked_sub(left).filter(|&at| at < width);
                    *pixel = match (from_x, from_y) {
                        (Some(at_x), Some(at_y)) => picture[base + at_x * xs[0] + at_y * xs[1]],
                        _ => 0.0,
                    };
                }
            }
        }
        let weights = Matrix { data: &dense[group * out_per_group * taps..], row: taps, column: 1 };
        let columns = Matrix { data: &patches, row: pixels, column: 1 };
        multiply([out_per_group, pixels, taps], 1.0, weights, columns, &mut product);
        for (index, line) in product.chunks_exact(pixels).enumerate() {
            let filter = group * out_per_group + index;
            let add = bias.as_ref().map_or(0.0, |bias| bias[filter]);
            let base = n * ys[3] + filter * ys[2];
            for (at, value) in line.iter().enumerate() {
                out[base + at % out_width * ys[0] + at / out_width * ys[1]] = value + add;
            }
        }
    }
    Ok(vec![Some(from_floats(&out, y.dtype))])
}

/// All of three indices, the last fastest.
fn each(a: usize, b: usize, c: usize) -> impl Iterator<Item = (usize, usize, usize)> {
    (0..a).flat_map(move |i| (0..b).flat_map(move |j| (0..c).map(move |k| (i, j, k))))
}
