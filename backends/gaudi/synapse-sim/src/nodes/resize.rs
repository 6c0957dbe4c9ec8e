//! Row "resize" of the reference: nearest and bilinear, in layout WHCN.

use std::mem::offset_of;

use super::lanes::{floats, from_floats};
use super::support::{need, same, typed};
use super::{Call, Data, Kind, Results};
use crate::abi::kernel_params::ResizeKernelParams as P;

pub const KINDS: &[Kind] = &[typed!("resize_fwd", check, run)];

const NEAREST: u32 = 0;
const LINEAR: u32 = 1;
const FLOOR: u32 = 3;
const PYTORCH_HALF_PIXEL: u32 = 1;
const ALIGN_CORNERS: u32 = 2;
const ASYMMETRIC: u32 = 3;

fn check(call: &Call) -> Result<(), String> {
    call.counts(1..=1, 1..=1)?;
    call.sizes_of_params(&[size_of::<P>()])?;
    call.float()?;
    let (x, y) = (call.input(0)?, call.output(0)?);
    call.typed(x, "the input")?;
    call.typed(y, "the output")?;
    let whcn = |layouts: &[String]| layouts.first().is_some_and(|layout| layout == "WHCN");
    need(whcn(call.input_layouts) && whcn(call.output_layouts), || "layout WHCN must be given".into())?;
    need(x.rank() == 4 && y.rank() == 4, || "four dimensions are taken".into())?;
    same(&x.sizes[2..], &y.sizes[2..], "channels and batch")?;
    let (mode, coordinates) = (call.u32(0), call.u32(offset_of!(P, coord_trans_mode)));
    let known = match mode {
        // What torch has; the other ways to round are not computed here.
        NEAREST => coordinates == ASYMMETRIC && call.u32(offset_of!(P, nearest_mode)) == FLOOR,
        LINEAR => matches!(coordinates, PYTORCH_HALF_PIXEL | ALIGN_CORNERS),
        _ => false,
    };
    need(known && !call.flag(offset_of!(P, exclude_outside)), || {
        format!("mode {mode} with coordinates {coordinates} is not computed here")
    })?;
    for (dim, scale, size) in [
        (0, offset_of!(P, scale_dim1), offset_of!(P, size1)),
        (1, offset_of!(P, scale_dim2), offset_of!(P, size2)),
    ] {
        let wanted = if call.flag(offset_of!(P, use_scales)) {
            (x.sizes[dim] as f64 * f64::from(call.f32(scale))).floor() as u64
        } else {
            u64::try_from(call.i32(size)).unwrap_or(0)
        };
        need(wanted == y.sizes[dim], || {
            format!("parameters give {wanted}, the output has {}", y.sizes[dim])
        })?;
    }
    Ok(())
}

/// For every position of an output line: two positions of the input and the weight of the second.
fn taps(call: &Call, from: usize, to: usize) -> Vec<(usize, usize, f32)> {
    let ratio = from as f32 / to as f32;
    let coordinates = call.u32(offset_of!(P, coord_trans_mode));
    (0..to)
        .map(|at| {
            if call.u32(0) == NEAREST {
                let at = ((at as f32 * ratio).floor() as usize).min(from - 1);
                return (at, at, 0.0);
            }
            let place = if coordinates == ALIGN_CORNERS {
                if to > 1 { at as f32 * (from - 1) as f32 / (to - 1) as f32 } else { 0.0 }
            } else if to > 1 {
                ((at as f32 + 0.5) * ratio - 0.5).clamp(0.0, (from - 1) as f32)
            } else {
                0.0
            };
            let low = (place.floor() as usize).min(from - 1);
            (low, (low + 1).min(from - 1), place - low as f32)
        })
        .collect()
}

fn run(call: &Call, data: &Data) -> Results {
    let (x, y) = (call.input(0)?, call.output(0)?);
    let [width, height] = [0, 1].map(|dim| x.sizes[dim] as usize);
    let columns = taps(call, width, y.sizes[0] as usize);
    let rows = taps(call, height, y.sizes[1] as usize);
    let values = floats(data[0].unwrap_or_default(), x.dtype);
    let mut out = Vec::with_capacity(y.elements() as usize);
    for plane in values.chunks_exact(width * height) {
        for &(top, bottom, down) in &rows {
            for &(left, right, across) in &columns {
                let at = |row: usize, column: usize| plane[row * width + column];
                let above = at(top, left) + (at(top, right) - at(top, left)) * across;
                let below = at(bottom, left) + (at(bottom, right) - at(bottom, left)) * across;
                out.push(above + (below - above) * down);
            }
        }
    }
    Ok(vec![Some(from_floats(&out, y.dtype))])
}
