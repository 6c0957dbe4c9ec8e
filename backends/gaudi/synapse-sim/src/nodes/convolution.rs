//! Rows "conv2d" and "conv3d" of the reference, as patches times weights. A picture is a volume of one layer.

use std::mem::offset_of;

use super::convolution_shape::{Shape, shape};
use super::lanes::{floats, from_floats};
use super::matmul::{Matrix, multiply};
use super::support::{is, need, plain, same};
use super::{Call, Data, Kind, Results};
use crate::abi::DataType;
use crate::abi::graph_params::{SynActivationParams, SynConvolution3DParams, SynConvolution3DParamsV2};
use crate::abi::graph_params::{SynConvolutionParams, SynConvolutionParamsV2};

pub const KINDS: &[Kind] =
    &[plain!("spatial_convolution", check, run), plain!("spatial_convolution3d", check, run)];

fn check(call: &Call) -> Result<(), String> {
    // A fourth input, added to the result (CIN), is not computed here.
    call.counts(2..=3, 1..=1)?;
    let (padding_type, activation) = if call.base == "spatial_convolution3d" {
        call.sizes_of_params(&[size_of::<SynConvolution3DParams>(), size_of::<SynConvolution3DParamsV2>()])?;
        (offset_of!(SynConvolution3DParamsV2, padding_type), offset_of!(SynConvolution3DParams, activation))
    } else {
        call.sizes_of_params(&[size_of::<SynConvolutionParams>(), size_of::<SynConvolutionParamsV2>()])?;
        (offset_of!(SynConvolutionParamsV2, padding_type), offset_of!(SynConvolutionParams, activation))
    };
    need(call.i32(padding_type) == 0, || "only explicit padding is computed here".into())?;
    let coefficients =
        [offset_of!(SynActivationParams, pwl_neg_coeff), offset_of!(SynActivationParams, pwl_pos_coeff)];
    need(!call.flag(activation) && coefficients.iter().all(|at| call.u64(activation + at) == 0), || {
        "activations are not computed here".into()
    })?;
    let (x, w, y) = (call.input(0)?, call.input(1)?, call.output(0)?);
    need(matches!(x.dtype, DataType::F32 | DataType::Bf16 | DataType::F16), || {
        format!("no convolution of {}", x.dtype.suffix())
    })?;
    is(w, x.dtype, "the weight")?;
    need(y.dtype == x.dtype || y.dtype == DataType::F32, || format!("an output of {}", y.dtype.suffix()))?;
    let s = shape(call)?;
    need(s.kernel[..2].iter().all(|kernel| (1..=255).contains(kernel)) && s.kernel[2] >= 1, || {
        format!("a kernel of {:?}", s.kernel)
    })?;
    same(&s.kernel, &s.weight[..3], "kernel of the parameters and of the weight")?;
    let ([_, _, _, channels, batch], filters) = (s.input, s.weight[4]);
    need(s.groups > 0 && channels == s.weight[3] * s.groups && filters % s.groups == 0, || {
        format!("{channels} channels, {filters} filters of {} in {} groups", s.weight[3], s.groups)
    })?;
    let mut wanted = [0, 0, 0, filters, batch];
    for (axis, out) in wanted.iter_mut().take(3).enumerate() {
        *out = s.extent(axis)?;
    }
    same(&wanted, &s.output, "the output as W, H, D, C, N")?;
    if let Some(bias) = call.maybe(2) {
        need(bias.dtype == y.dtype || bias.dtype == DataType::F32, || "the bias has another type".into())?;
        same(&[filters], &bias.sizes, "the bias and the filters")?;
    }
    Ok(())
}

fn run(call: &Call, data: &Data) -> Results {
    let (x, w, y) = (call.input(0)?, call.input(1)?, call.output(0)?);
    let s = shape(call)?;
    let volume = floats(data[0].unwrap_or_default(), x.dtype);
    let weight = floats(data[1].unwrap_or_default(), w.dtype);
    let bias = match (call.maybe(2), data.get(2)) {
        (Some(desc), Some(Some(bytes))) => Some(floats(bytes, desc.dtype)),
        _ => None,
    };
    let [ow, oh, od, filters, _] = s.output.map(|size| size as usize);
    let (batch, groups) = (s.input[4] as usize, s.groups as usize);
    let (per_group, out_per_group) = (s.weight[3] as usize, filters / groups);
    let kernel = s.kernel.map(|size| size as usize);
    let taps = per_group * kernel.iter().product::<usize>();
    // Weights as [filter, channel, layer, row, column], whatever their layout.
    let mut dense = Vec::with_capacity(filters * taps);
    for filter in 0..filters {
        for (channel, at) in each_tap(per_group, kernel) {
            let place: usize = (0..3).map(|axis| at[axis] * s.weight_steps[axis]).sum();
            dense.push(weight[place + channel * s.weight_steps[3] + filter * s.weight_steps[4]]);
        }
    }
    let places = ow * oh * od;
    let mut patches = vec![0f32; taps * places];
    let mut product = vec![0f32; out_per_group * places];
    let mut out = vec![0f32; y.elements() as usize];
    for (n, group) in (0..batch).flat_map(|n| (0..groups).map(move |group| (n, group))) {
        for ((channel, tap), line) in each_tap(per_group, kernel).zip(patches.chunks_exact_mut(places)) {
            let base = n * s.input_steps[4] + (group * per_group + channel) * s.input_steps[3];
            gather(&s, &volume[base..], tap, line);
        }
        let weights = Matrix { data: &dense[group * out_per_group * taps..], row: taps, column: 1 };
        let columns = Matrix { data: &patches, row: places, column: 1 };
        multiply([out_per_group, places, taps], 1.0, weights, columns, &mut product);
        for (index, line) in product.chunks_exact(places).enumerate() {
            let filter = group * out_per_group + index;
            let add = bias.as_ref().map_or(0.0, |bias| bias[filter]);
            let base = n * s.output_steps[4] + filter * s.output_steps[3];
            for (at, value) in line.iter().enumerate() {
                let place = [at % ow, at / ow % oh, at / (ow * oh)];
                let place: usize = (0..3).map(|axis| place[axis] * s.output_steps[axis]).sum();
                out[base + place] = value + add;
            }
        }
    }
    Ok(vec![Some(from_floats(&out, y.dtype))])
}

/// What one tap of the kernel meets, for each element of the output; zero in the padding.
fn gather(s: &Shape, volume: &[f32], tap: [usize; 3], line: &mut [f32]) {
    // For each axis, where in the input an element of the output looks.
    let looks: [Vec<Option<usize>>; 3] = std::array::from_fn(|axis| {
        (0..s.output[axis] as usize)
            .map(|at| {
                let at = at * s.stride[axis] as usize + tap[axis] * s.dilation[axis] as usize;
                at.checked_sub(s.padding[axis][0] as usize)
                    .filter(|&at| at < s.input[axis] as usize)
                    .map(|at| at * s.input_steps[axis])
            })
            .collect()
    });
    let [across, down, deep] = &looks;
    let rows = deep.iter().flat_map(|z| down.iter().map(move |y| z.zip(*y)));
    for (row, values) in rows.zip(line.chunks_exact_mut(across.len())) {
        for (x, value) in across.iter().zip(values) {
            *value = row.zip(*x).map_or(0.0, |((z, y), x)| volume[z + y + x]);
        }
    }
}

/// A channel and a tap as column, row and layer; columns fastest.
fn each_tap(
    channels: usize,
    [width, height, depth]: [usize; 3],
) -> impl Iterator<Item = (usize, [usize; 3])> {
    let taps = width * height * depth;
    (0..channels * taps).map(move |at| {
        let tap = at % taps;
        (at / taps, [tap % width, tap / width % height, tap / (width * height)])
    })
}
