//! Row "group norm" of the reference.
//!
//! Which dimension holds the channels is not said; as everywhere else PyTorch's [N, C, H, W] reversed is meant,
//! {W, H, C, N}: the last dimension is the batch, the one before it the channels.

use super::lanes::{floats, from_floats};
use super::norm::moments;
use super::support::{need, same, typed};
use super::{Call, Data, Kind, Results};
use crate::abi::DataType;

pub const KINDS: &[Kind] = &[typed!("native_group_norm_fwd", check, run)];

fn check(call: &Call) -> Result<(), String> {
    call.counts(1..=3, 3..=3)?;
    call.sizes_of_params(&[12])?;
    call.float()?;
    for layout in call.input_layouts.iter().take(1).chain(call.output_layouts.iter().take(1)) {
        need(layout.is_empty() || layout == "WHCN", || format!("layout {layout}, WHCN is computed here"))?;
    }
    let (x, y) = (call.input(0)?, call.output(0)?);
    call.typed(x, "the input")?;
    call.typed(y, "the output")?;
    same(&x.sizes, &y.sizes, "input and output")?;
    need(x.rank() >= 3, || "three dimensions at least are taken".into())?;
    let (batch, groups) = (u64::from(call.u32(0)), u64::from(call.u32(4)));
    let (channels, n) = (x.sizes[x.rank() - 2], x.sizes[x.rank() - 1]);
    need(batch == n && groups > 0 && channels % groups == 0, || {
        format!("N {batch} and G {groups} for {channels} channels and a batch of {n}")
    })?;
    for index in [1, 2] {
        if let Some(each) = call.maybe(index) {
            need(each.dtype == x.dtype || each.dtype == DataType::F32, || {
                format!("input {index} has another type")
            })?;
            same(&[channels], &each.sizes, "weight or bias and the channels")?;
        }
    }
    for index in [1, 2] {
        let each = call.output(index)?;
        need(each.dtype == x.dtype || each.dtype == DataType::F32, || {
            format!("output {index} has another type")
        })?;
        same(&[groups, batch], &each.sizes, "a statistic and {G, N}")?;
    }
    Ok(())
}

fn run(call: &Call, data: &Data) -> Results {
    let x = call.input(0)?;
    let (groups, eps) = (call.u32(4) as usize, call.f32(8));
    let channels = x.sizes[x.rank() - 2] as usize;
    let plane = x.sizes[..x.rank() - 2].iter().product::<u64>() as usize;
    let load = |index: usize| match (call.maybe(index), data.get(index)) {
        (Some(desc), Some(Some(bytes))) => Some(floats(bytes, desc.dtype)),
        _ => None,
    };
    let (weight, bias) = (load(1), load(2));
    let mut values = floats(data[0].unwrap_or_default(), x.dtype);
    let (mut means, mut inverses) = (Vec::new(), Vec::new());
    let per_group = channels / groups;
    for (at, group) in values.chunks_exact_mut(per_group * plane).enumerate() {
        let (mean, inverse) = moments(group, eps);
        for (index, row) in group.chunks_exact_mut(plane).enumerate() {
            let channel = at % groups * per_group + index;
            let weight = weight.as_ref().map_or(1.0, |weight| weight[channel]);
            let bias = bias.as_ref().map_or(0.0, |bias| bias[channel]);
            row.iter_mut().for_each(|value| *value = (*value - mean) * inverse * weight + bias);
        }
        means.push(mean);
        inverses.push(inverse);
    }
    Ok(vec![
        Some(from_floats(&values, x.dtype)),
        Some(from_floats(&means, call.output(1)?.dtype)),
        Some(from_floats(&inverses, call.output(2)?.dtype)),
    ])
}
