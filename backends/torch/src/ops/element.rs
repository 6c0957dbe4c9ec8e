//! Functions of single elements, casts, and reductions.

use super::{Made, wide};
use crate::context::{kind, signed};
use half::{bf16, f16};
use tch::{Kind, Tensor};
use tintype_program::{Binary, DType, GeluForm, Reduce, Unary};

/// The value as the dtype has it: libtorch would round an f64 by way of f32 where it is narrower still.
pub(super) fn constant(value: f64, dtype: DType, place: tch::Device) -> Made {
    let options = (kind(dtype), place);
    match dtype {
        DType::I32 | DType::U8 => Tensor::f_full([0i64; 0], value as i64, options),
        DType::F32 => Tensor::f_full([0i64; 0], value, options),
        DType::F16 => Tensor::f_full([0i64; 0], f16::from_f64(value).to_f64(), options),
        DType::Bf16 => Tensor::f_full([0i64; 0], bf16::from_f64(value).to_f64(), options),
    }
}

pub(super) fn unary(function: Unary, x: &Tensor) -> Made {
    match function {
        Unary::Neg => x.f_neg(),
        Unary::Abs => x.f_abs(),
        Unary::Exp => x.f_exp(),
        Unary::Log => x.f_log(),
        Unary::Sqrt => x.f_sqrt(),
        // On the CPU libtorch rounds the root before it divides.
        Unary::Rsqrt => wide(x)?.f_rsqrt()?.f_to_kind(x.f_kind()?),
        Unary::Reciprocal => x.f_reciprocal(),
        Unary::Sin => x.f_sin(),
        Unary::Cos => x.f_cos(),
        Unary::Tanh => x.f_tanh(),
        Unary::Erf => x.f_erf(),
        Unary::Sigmoid => x.f_sigmoid(),
        Unary::Relu => x.f_relu(),
    }
}

pub(super) fn binary(function: Binary, dtype: DType, a: &Tensor, b: &Tensor) -> Made {
    match function {
        Binary::Add => a.f_add(b),
        Binary::Sub => a.f_sub(b),
        Binary::Mul => a.f_mul(b),
        Binary::Div if dtype == DType::I32 => divide(a, b),
        Binary::Div => a.f_div(b),
        Binary::Max => a.f_maximum(b),
        Binary::Min => a.f_minimum(b),
        Binary::Pow => a.f_pow(b),
    }
}

/// Of integers: truncated, zero for zero. In 64 bits, since the least i32 by -1 traps in 32; it wraps when it is narrowed.
fn divide(a: &Tensor, b: &Tensor) -> Made {
    let is_zero = b.f_eq(0)?;
    let divisor = b.f_to_kind(Kind::Int64)?.f_masked_fill(&is_zero, 1)?;
    let quotient = a.f_to_kind(Kind::Int64)?.f_div_tensor_mode(&divisor, "trunc")?;
    quotient.f_masked_fill(&is_zero, 0)?.f_to_kind(Kind::Int)
}

/// To nearest, ties to even; to integers truncated and saturated.
pub(super) fn cast(x: &Tensor, from: DType, to: DType) -> Made {
    match (from, to) {
        (from, to) if from == to => x.f_alias(),
        (DType::U8, _) => x.f_to_kind(kind(to)),
        (DType::I32, DType::U8) => x.f_clamp(0, 255)?.f_to_kind(Kind::Uint8),
        (DType::I32, DType::Bf16) => rounded_once(x)?.f_to_kind(Kind::BFloat16),
        // Beyond 2^24, where f32 rounds too, f16 is infinite.
        (DType::I32, _) => x.f_to_kind(kind(to)),
        (_, DType::I32) => saturated(x, i32::MIN.into(), i32::MAX.into())?.f_to_kind(Kind::Int),
        (_, DType::U8) => saturated(x, 0, 255)?.f_to_kind(Kind::Uint8),
        _ => x.f_to_kind(kind(to)),
    }
}

/// Floating point as 64-bit integers within a range; NaN as 0.
fn saturated(x: &Tensor, least: i64, most: i64) -> Made {
    // Any 32-bit integer lies within, and f32 has it exactly.
    const FAR: f64 = (1u64 << 40) as f64;
    let finite = wide(x)?.f_nan_to_num(0.0, FAR, -FAR)?.f_clamp(-FAR, FAR)?;
    finite.f_to_kind(Kind::Int64)?.f_clamp(least, most)
}

/// Integers as f32 that round to bf16 as the integers would: libtorch rounds to f32 first, and twice is not once. Where there are
/// more than f32's 24 bits, the lowest eight become one that says whether any of them was set.
fn rounded_once(x: &Tensor) -> Made {
    let lowest = x.f_bitwise_and(0xff)?;
    let sticky = lowest.f_ne(0)?.f_to_kind(Kind::Int)?.f_mul_scalar(0x80)?;
    let short = x.f_sub(&lowest)?.f_add(&sticky)?;
    // In 64 bits, since the least i32 has no absolute value in 32.
    let is_long = x.f_to_kind(Kind::Int64)?.f_abs()?.f_ge(1i64 << 24)?;
    short.f_where_self(&is_long, x)?.f_to_kind(Kind::Float)
}

pub(super) fn gelu(form: GeluForm, x: &Tensor) -> Made {
    match form {
        GeluForm::Erf => x.f_gelu("none"),
        GeluForm::Tanh => x.f_gelu("tanh"),
        GeluForm::Quick => {
            let wide = wide(x)?;
            wide.f_mul(&wide.f_mul_scalar(1.702)?.f_sigmoid()?)?.f_to_kind(x.f_kind()?)
        }
    }
}

pub(super) fn reduce(function: Reduce, axes: &[usize], x: &Tensor) -> Made {
    let axes = signed(axes);
    // A mean in f16 would divide a sum that may be infinite in it.
    let made = match function {
        Reduce::Sum => x.f_sum_dim_intlist(axes.as_slice(), true, Kind::Float),
        Reduce::Mean => x.f_mean_dim(axes.as_slice(), true, Kind::Float),
        Reduce::Max => return x.f_amax(axes, true),
    };
    made?.f_to_kind(x.f_kind()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_round_once_to_bf16() {
        // Just above and below the middle of two neighbours, which f32 cannot tell from the middle itself.
        let values =
            [(1 << 30) + (1 << 22) + 1, (1 << 30) + (3 << 22) - 1, -(1 << 30) - (1 << 22) - 1, i32::MIN];
        let cast = cast(&Tensor::f_from_slice(&values).unwrap(), DType::I32, DType::Bf16).unwrap();
        let mut got = [0f32; 4];
        cast.f_to_kind(Kind::Float).unwrap().f_copy_data(&mut got, 4).unwrap();
        let wanted = [(1 << 30) + (1 << 23), (1 << 30) + (1 << 23), -(1 << 30) - (1 << 23), i32::MIN];
        assert_eq!(got, wanted.map(|value| value as f32));
    }
}
