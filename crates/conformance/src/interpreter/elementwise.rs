//! Functions of single elements, and reductions.

use super::tensor::{Tensor, for_each_index};
use tintype_program::{Binary, DType, GeluForm, Reduce, Unary};

pub(super) fn unary(function: Unary, x: &Tensor) -> Tensor {
    x.map(|x| match function {
        Unary::Neg => -x,
        Unary::Abs => x.abs(),
        Unary::Exp => x.exp(),
        Unary::Log => x.ln(),
        Unary::Sqrt => x.sqrt(),
        Unary::Rsqrt => 1.0 / x.sqrt(),
        Unary::Reciprocal => 1.0 / x,
        Unary::Sin => x.sin(),
        Unary::Cos => x.cos(),
        Unary::Tanh => x.tanh(),
        Unary::Erf => erf(x),
        Unary::Sigmoid => sigmoid(x),
        // Not `max`, which would turn NaN into zero.
        Unary::Relu => {
            if x < 0.0 {
                0.0
            } else {
                x
            }
        }
    })
}

pub(super) fn binary(function: Binary, a: &Tensor, b: &Tensor, dtype: DType) -> Tensor {
    let element = |(&a, &b): (&f64, &f64)| match dtype {
        DType::I32 => f64::from(integer(function, a as i32, b as i32)),
        _ => float(function, a, b),
    };
    Tensor { shape: a.shape.clone(), data: a.data.iter().zip(&b.data).map(element).collect() }
}

fn float(function: Binary, a: f64, b: f64) -> f64 {
    match function {
        Binary::Add => a + b,
        Binary::Sub => a - b,
        Binary::Mul => a * b,
        Binary::Div => a / b,
        Binary::Max | Binary::Min if a.is_nan() || b.is_nan() => f64::NAN,
        Binary::Max => a.max(b),
        Binary::Min => a.min(b),
        Binary::Pow => a.powf(b),
    }
}

fn integer(function: Binary, a: i32, b: i32) -> i32 {
    match function {
        Binary::Add => a.wrapping_add(b),
        Binary::Sub => a.wrapping_sub(b),
        Binary::Mul => a.wrapping_mul(b),
        Binary::Div if b == 0 => 0,
        Binary::Div => a.wrapping_div(b),
        Binary::Max => a.max(b),
        Binary::Min => a.min(b),
        // Inference refuses powers of integers.
        Binary::Pow => 0,
    }
}

pub(super) fn gelu(form: GeluForm, x: &Tensor) -> Tensor {
    x.map(|x| match form {
        GeluForm::Erf => 0.5 * x * (1.0 + erf(x / std::f64::consts::SQRT_2)),
        GeluForm::Tanh => {
            let inner = (2.0 / std::f64::consts::PI).sqrt() * (x + 0.044_715 * x.powi(3));
            0.5 * x * (1.0 + inner.tanh())
        }
        GeluForm::Quick => x * sigmoid(1.702 * x),
    })
}

pub(super) fn silu(x: &Tensor) -> Tensor {
    x.map(|x| x * sigmoid(x))
}

fn sigmoid(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}

/// The error function to a few units of float64's last place: `2 / sqrt(pi) exp(-x^2) sum over n of 2^n x^(2n+1) / (2n+1)!!`
/// (Abramowitz and Stegun 7.1.6), whose terms are all of one sign.
pub(super) fn erf(x: f64) -> f64 {
    if x.is_nan() || x.abs() > 6.0 {
        return if x.is_nan() { x } else { 1f64.copysign(x) };
    }
    let (mut term, mut sum, mut n) = (x, x, 0.0);
    while term.abs() > sum.abs() * 1e-17 {
        n += 1.0;
        term *= 2.0 * x * x / (2.0 * n + 1.0);
        sum += term;
    }
    std::f64::consts::FRAC_2_SQRT_PI * (-x * x).exp() * sum
}

pub(super) fn reduce(function: Reduce, axes: &[usize], x: &Tensor) -> Tensor {
    let mut shape = x.shape.clone();
    axes.iter().for_each(|&axis| shape[axis] = 1);
    let start = if function == Reduce::Max { f64::NEG_INFINITY } else { 0.0 };
    let mut result = Tensor::from_fn(&shape, |_| start);
    for_each_index(&x.shape, |index| {
        let mut to = index.to_vec();
        axes.iter().for_each(|&axis| to[axis] = 0);
        let slot = result.offset(&to);
        let element = x.at(index);
        result.data[slot] = match function {
            Reduce::Sum | Reduce::Mean => result.data[slot] + element,
            Reduce::Max => float(Binary::Max, result.data[slot], element),
        };
    });
    if function == Reduce::Mean {
        let count: usize = axes.iter().map(|&axis| x.shape[axis]).product();
        return result.map(|sum| sum / count as f64);
    }
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn erf_has_its_tabulated_values() {
        // The C library of glibc 2.36.
        for (x, expected) in [
            (0.0, 0.0),
            (1e-9, 1.128_379_167_095_512_6e-9),
            (0.5, 0.520_499_877_813_046_5),
            (1.0, 0.842_700_792_949_714_9),
            (2.0, 0.995_322_265_018_952_7),
            (3.5, 0.999_999_256_901_627_7),
            (-1.0, -0.842_700_792_949_714_9),
            (7.0, 1.0),
        ] {
            assert!((erf(x) - expected).abs() <= 2e-15 * expected.abs(), "{x}: {} {expected}", erf(x));
        }
    }

    #[test]
    fn integers_wrap_and_truncate() {
        assert_eq!(integer(Binary::Mul, i32::MAX, i32::MAX), 1);
        assert_eq!(integer(Binary::Add, i32::MAX, 1), i32::MIN);
        assert_eq!(integer(Binary::Div, -7, 2), -3);
        assert_eq!(integer(Binary::Div, -7, 0), 0);
        assert_eq!(integer(Binary::Div, i32::MIN, -1), i32::MIN);
    }

    #[test]
    fn the_larger_of_a_number_and_nan_is_nan() {
        assert!(float(Binary::Max, 1.0, f64::NAN).is_nan() && float(Binary::Min, f64::NAN, 1.0).is_nan());
    }
}
