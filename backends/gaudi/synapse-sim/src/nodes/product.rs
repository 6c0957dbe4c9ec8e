//! Products of matrices: rows "matmul 2-D", "batched matmul", "linear" and "fp8 matmul" of the reference.

use super::lanes::{floats, from_floats};
use super::matmul::{Matrix, multiply};
use super::support::{is, need, plain, same, strides, typed, walk};
use super::{Call, Data, Kind, Results};
use crate::abi::DataType;

pub const KINDS: &[Kind] = &[
    plain!("gemm", check, run),
    plain!("batch_gemm", check, run),
    typed!("linear_fwd", check_linear, run),
    typed!("fp8_gemm", check_fp8, run),
];

/// (transpose_a, transpose_b). Linear has none: its weight is [out, in] as PyTorch has it, so b is transposed.
fn transposes(call: &Call) -> (bool, bool) {
    if call.base == "linear_fwd" { (false, true) } else { (call.flag(0), call.flag(1)) }
}

/// Columns, rows and common size of a product, and the sizes of its batch.
struct Shape {
    m: usize,
    n: usize,
    k: usize,
    batch: Vec<u64>,
}

fn shape(call: &Call) -> Result<Shape, String> {
    let (a, b) = (call.input(0)?, call.input(1)?);
    let (at, bt) = transposes(call);
    let linear = call.base == "linear_fwd";
    need(a.rank() >= 2 && b.rank() >= 2, || "operands need two dimensions".into())?;
    need(linear || a.rank() == b.rank(), || format!("ranks differ: {:?} and {:?}", a.sizes, b.sizes))?;
    need(call.base != "gemm" || a.rank() == 2, || "gemm takes two dimensions; batch_gemm more".into())?;
    need(!linear || b.rank() == 2, || "a weight of two dimensions is taken".into())?;
    let (k, m) = if at { (a.sizes[1], a.sizes[0]) } else { (a.sizes[0], a.sizes[1]) };
    let (n, k_of_b) = if bt { (b.sizes[1], b.sizes[0]) } else { (b.sizes[0], b.sizes[1]) };
    need(k == k_of_b, || format!("common sizes {k} and {k_of_b}: {:?} and {:?}", a.sizes, b.sizes))?;
    let batch = if linear {
        a.sizes[2..].to_vec()
    } else {
        super::elementwise::broadcast(&a.sizes[2..], &b.sizes[2..])?
    };
    Ok(Shape { m: m as usize, n: n as usize, k: k as usize, batch })
}

fn common(call: &Call, bias: usize) -> Result<(), String> {
    call.no_layouts()?;
    let shape = shape(call)?;
    let mut sizes = vec![shape.n as u64, shape.m as u64];
    sizes.extend(&shape.batch);
    same(&sizes, &call.output(0)?.sizes, "the product and the output")?;
    if let Some(bias) = call.maybe(bias) {
        same(&bias.sizes, &[shape.n as u64], "the bias and a row")?;
    }
    Ok(())
}

fn check(call: &Call) -> Result<(), String> {
    call.counts(2..=3, 1..=1)?;
    call.sizes_of_params(&[0, 2])?;
    let (a, b, out) = (call.input(0)?, call.input(1)?, call.output(0)?);
    is(b, a.dtype, "input 1")?;
    match a.dtype {
        DataType::F32 | DataType::Bf16 | DataType::F16 => {
            // A wider output is how mixed precision is had on the MME; a narrower one is refused.
            need(out.dtype == a.dtype || out.dtype == DataType::F32, || {
                format!("{} gives {}", a.dtype.suffix(), out.dtype.suffix())
            })?;
        }
        DataType::Fp8E4M3 | DataType::Fp8E5M2 => {
            need(matches!(out.dtype, DataType::F32 | DataType::Bf16), || "fp8 gives f32 or bf16".into())?;
        }
        other => return Err(format!("no product of {}", other.suffix())),
    }
    if let Some(bias) = call.maybe(2) {
        need(bias.dtype == out.dtype || bias.dtype == DataType::F32, || "the bias has another type".into())?;
    }
    common(call, 2)
}

fn check_linear(call: &Call) -> Result<(), String> {
    call.counts(2..=3, 1..=1)?;
    call.sizes_of_params(&[0])?;
    call.float()?;
    for desc in call.inputs.iter().flatten() {
        call.typed(desc, "an input")?;
    }
    call.typed(call.output(0)?, "the output")?;
    common(call, 2)
}

fn check_fp8(call: &Call) -> Result<(), String> {
    // The accumulated D and the padding of newer versions are not computed here: they must be absent.
    call.counts(2..=7, 1..=1)?;
    call.sizes_of_params(&[0, 2])?;
    let (a, b) = (call.input(0)?, call.input(1)?);
    let fp8 = |dtype| matches!(dtype, DataType::Fp8E4M3 | DataType::Fp8E5M2);
    need(fp8(a.dtype) && fp8(b.dtype), || "operands are not fp8".into())?;
    call.typed(call.output(0)?, "the output")?;
    for scale in [2, 3] {
        if let Some(desc) = call.maybe(scale) {
            is(desc, DataType::F32, "a scale")?;
            need(desc.elements() == 1, || "a scale of one element is taken".into())?;
        }
    }
    need(call.maybe(5).is_none() && call.maybe(6).is_none(), || {
        "input 5 and 6 are not computed here".into()
    })?;
    common(call, 4)
}

fn run(call: &Call, data: &Data) -> Results {
    let (a, b, out) = (call.input(0)?, call.input(1)?, call.output(0)?);
    let Shape { m, n, k, batch } = shape(call)?;
    let left = floats(data[0].unwrap_or_default(), a.dtype);
    let right = floats(data[1].unwrap_or_default(), b.dtype);
    let (at, bt) = transposes(call);
    let (a_row, a_column) = if at { (1, m) } else { (k, 1) };
    let (b_row, b_column) = if bt { (1, k) } else { (n, 1) };
    let fp8 = call.base == "fp8_gemm";
    let mut alpha = 1.0;
    if fp8 {
        for index in [2, 3] {
            if let Some(Some(bytes)) = data.get(index) {
                alpha *= floats(bytes, DataType::F32)[0];
            }
        }
    }
    let mut result = vec![0f32; out.elements() as usize];
    let a_strides: Vec<usize> = strides(&a.sizes[2..]).iter().map(|stride| stride * m * k).collect();
    let b_strides = if b.rank() == 2 {
        vec![0; batch.len()]
    } else {
        strides(&b.sizes[2..]).iter().map(|stride| stride * n * k).collect()
    };
    let mut block = 0;
    walk(&batch, [&a_strides, &b_strides], |[i, j]| {
        let a = Matrix { data: &left[i..], row: a_row, column: a_column };
        let b = Matrix { data: &right[j..], row: b_row, column: b_column };
        multiply([m, n, k], alpha, a, b, &mut result[block..block + m * n]);
        block += m * n;
    });
    let bias = if fp8 { 4 } else { 2 };
    if let (Some(desc), Some(Some(bytes))) = (call.maybe(bias), data.get(bias)) {
        let bias = floats(bytes, desc.dtype);
        for row in result.chunks_exact_mut(n) {
            row.iter_mut().zip(&bias).for_each(|(value, bias)| *value += bias);
        }
    }
    Ok(vec![Some(from_floats(&result, out.dtype))])
}
