//! Rows "SDPA (recompute = flash)" and "SDPA (retain P)" of the reference.

use std::mem::offset_of;

use super::elementwise::broadcast;
use super::lanes::{floats, from_floats};
use super::matmul::{Matrix, multiply};
use super::reduce::softmax;
use super::support::{is, need, same, strides, typed, walk};
use super::{Call, Data, Kind, Results};
use crate::abi::DataType;
use crate::abi::kernel_params::SdpaParamsV3 as P;

pub const KINDS: &[Kind] = &[typed!("sdpa_recomp_fwd", check, run), typed!("sdpa_fwd", check, run)];

/// Inputs: q, k, v, mask, seed, six scales, lengths; those that are absent are NULL.
const INPUTS: usize = 12;
const MASK: usize = 3;

fn inference(call: &Call) -> bool {
    call.flag(offset_of!(P, is_inference))
}

fn check(call: &Call) -> Result<(), String> {
    // Later versions have more fields, which are not public; earlier ones end sooner.
    call.sizes_of_params(&[24, 28, 32])?;
    let retain = call.base == "sdpa_fwd";
    let outputs = if retain {
        2
    } else if inference(call) {
        1
    } else {
        3
    };
    call.counts(INPUTS..=INPUTS, outputs..=outputs)?;
    call.no_layouts()?;
    call.float()?;
    need(call.f32(offset_of!(P, dropout)) == 0.0, || "dropout is not computed here".into())?;
    need((4..INPUTS).all(|index| call.maybe(index).is_none()), || {
        "seeds, scales and lengths are not computed here".into()
    })?;
    need(call.u32(offset_of!(P, flags)) == 0, || "flags are for fp8, which is not computed here".into())?;
    need(matches!(call.u32(offset_of!(P, softmax_mode)), 0..=2), || "an unknown softmax mode".into())?;
    let (q, k, v, out) = (call.input(0)?, call.input(1)?, call.input(2)?, call.output(0)?);
    for (desc, what) in [(q, "q"), (k, "k"), (v, "v"), (out, "the output")] {
        call.typed(desc, what)?;
        need((3..=5).contains(&desc.rank()) && desc.rank() == q.rank(), || {
            format!("{what} of sizes {:?}", desc.sizes)
        })?;
    }
    need(q.sizes[0] == k.sizes[0] && k.sizes[1] == v.sizes[1], || {
        format!("q {:?}, k {:?}, v {:?}", q.sizes, k.sizes, v.sizes)
    })?;
    let batch = batch(call)?;
    let sized = |head: [u64; 2]| head.into_iter().chain(batch.iter().copied()).collect::<Vec<u64>>();
    same(&sized([v.sizes[0], q.sizes[1]]), &out.sizes, "the output")?;
    if let Some(mask) = call.maybe(MASK) {
        // Added to the scores before the softmax; a type of its own is not spoken of.
        need(mask.dtype == q.dtype || mask.dtype == DataType::F32, || "the mask has another type".into())?;
        let scores = sized([k.sizes[1], q.sizes[1]]);
        same(&broadcast(&mask.sizes, &scores)?, &scores, "the mask and the scores")?;
        need(!call.flag(offset_of!(P, is_causal)), || "a mask and is_causal".into())?;
    }
    if retain {
        call.typed(call.output(1)?, "P")?;
        return same(&sized([k.sizes[1], q.sizes[1]]), &call.output(1)?.sizes, "P");
    }
    for index in 1..outputs {
        let statistic = call.output(index)?;
        let fast = call.u32(offset_of!(P, softmax_mode)) == 2 && q.dtype == DataType::Bf16;
        is(statistic, if fast { DataType::Bf16 } else { DataType::F32 }, "m or linv")?;
        same(&sized([1, q.sizes[1]]), &statistic.sizes, "m or linv")?;
    }
    Ok(())
}

/// Sizes of heads and batch: 1 is broadcast.
fn batch(call: &Call) -> Result<Vec<u64>, String> {
    let (q, k, v) = (call.input(0)?, call.input(1)?, call.input(2)?);
    same(&k.sizes[2..], &v.sizes[2..], "heads and batch of k and v")?;
    broadcast(&q.sizes[2..], &k.sizes[2..])
}

fn run(call: &Call, data: &Data) -> Results {
    let (q, k, v, out) = (call.input(0)?, call.input(1)?, call.input(2)?, call.output(0)?);
    let load = |index: usize| -> Result<Vec<f32>, String> {
        Ok(floats(data[index].unwrap_or_default(), call.input(index)?.dtype))
    };
    let (queries, keys, values) = (load(0)?, load(1)?, load(2)?);
    let mask = if call.maybe(MASK).is_some() { Some(load(MASK)?) } else { None };
    let [e, l] = [q.sizes[0] as usize, q.sizes[1] as usize];
    let [ev, s] = [v.sizes[0] as usize, k.sizes[1] as usize];
    let (scale, causal) = (call.f32(0), call.flag(offset_of!(P, is_causal)));
    let batch = batch(call)?;
    let [q_steps, k_steps, v_steps] = [q, k, v].map(|desc| strides(&desc.sizes)[2..].to_vec());
    let mask_steps = call.maybe(MASK).map_or(vec![0; batch.len() + 2], |desc| strides(&desc.sizes));
    let mut result = vec![0f32; out.elements() as usize];
    let mut blocks = result.chunks_exact_mut(l * ev);
    let mut scores = vec![0f32; l * s];
    let (mut all, mut most, mut inverse) = (Vec::new(), Vec::new(), Vec::new());
    walk(&batch, [&q_steps, &k_steps, &v_steps, &mask_steps[2..]], |[q_at, k_at, v_at, mask_at]| {
        let left = Matrix { data: &queries[q_at..], row: e, column: 1 };
        let right = Matrix { data: &keys[k_at..], row: 1, column: e };
        multiply([l, s, e], scale, left, right, &mut scores);
        for (at, row) in scores.chunks_exact_mut(s).enumerate() {
            if let Some(mask) = &mask {
                let line = mask_at + at * mask_steps[1];
                row.iter_mut()
                    .enumerate()
                    .for_each(|(index, score)| *score += mask[line + index * mask_steps[0]]);
            }
            if causal {
                row.iter_mut().skip(at + 1).for_each(|score| *score = f32::NEG_INFINITY);
            }
            let (maximum, sum) = softmax(row);
            most.push(maximum);
            inverse.push(1.0 / sum);
        }
        if call.base == "sdpa_fwd" {
            all.extend_from_slice(&scores);
        }
        let right = Matrix { data: &values[v_at..], row: ev, column: 1 };
        if let Some(block) = blocks.next() {
            multiply([l, ev, s], 1.0, Matrix { data: &scores, row: s, column: 1 }, right, block);
        }
    });
    let mut results = vec![Some(from_floats(&result, out.dtype))];
    let extra = if call.base == "sdpa_fwd" { vec![all] } else { vec![most, inverse] };
    for (desc, values) in call.outputs[1..].iter().zip(extra) {
        results.push(desc.as_ref().map(|desc| from_floats(&values, desc.dtype)));
    }
    Ok(results)
}
