//! What stands between the products of a transformer: sums, norms, modulations, heads and angles. A plugin may do several of
//! them in one pass, and leave parts where they are joined.

use super::making::FLOATS;
use super::{Case, Fill, Tolerance};
use tintype_program::{DType, Pairing, Result, Scope, TensorType, Value, concat};

pub(super) fn cases() -> Result<Vec<Case>> {
    let mut cases = Vec::new();
    for dtype in FLOATS {
        for shape in [&[2, 5, 35][..], &[1, 3, 1032], &[7, 24], &[1, 1, 1], &[2, 300, 6]] {
            cases.extend([modulated(dtype, shape)?, sums_on(dtype, shape)?, sum_alone(dtype, shape)?]);
        }
        cases.push(norm_between(dtype)?);
        for pairing in [Pairing::Interleaved, Pairing::Halves] {
            for (tokens, heads, depth) in [([5, 3], 3, 8), ([1, 6], 2, 10), ([4, 19], 5, 64)] {
                let sizes = Sizes { tokens, heads, depth };
                cases.push(joint(dtype, pairing, sizes, false)?);
                cases.push(joint(dtype, pairing, sizes, true)?);
                cases.push(alone(dtype, pairing, sizes)?);
            }
        }
    }
    Ok(cases)
}

fn input(scope: &Scope, name: &str, dtype: DType, shape: &[usize]) -> Result<Value> {
    scope.input(name, TensorType::new(dtype, shape))
}

fn tolerance(dtype: DType, width: usize, roundings: u32) -> Tolerance {
    Tolerance::sum(dtype, 2 * width + 32).and_roundings(dtype, roundings)
}

/// One vector for all rows, in the last axis.
fn row(shape: &[usize]) -> Vec<usize> {
    let mut row = vec![1; shape.len()];
    if let (Some(last), Some(width)) = (row.last_mut(), shape.last()) {
        *last = *width;
    }
    row
}

/// `norm(x) (1 + scale) + shift`.
fn modulate(x: &Value, scale: &Value, shift: &Value) -> Result<Value> {
    &(x * &(scale + 1.0)?)? + shift
}

fn modulated(dtype: DType, shape: &[usize]) -> Result<Case> {
    let width = shape.last().copied().unwrap_or(1);
    Case::traced(
        "transformer",
        dtype,
        &format!("modulated norm {shape:?}"),
        tolerance(dtype, width, 8),
        |s| {
            let x = input(s, "x", dtype, shape)?;
            let (scale, shift) =
                (input(s, "scale", dtype, &row(shape))?, input(s, "shift", dtype, &row(shape))?);
            s.output("y", &modulate(&x.layer_norm(None, 1e-6)?, &scale, &shift)?)
        },
    )
}

/// A gated sum that is normed, and goes on past the norm.
fn sums_on(dtype: DType, shape: &[usize]) -> Result<Case> {
    let width = shape.last().copied().unwrap_or(1);
    let detail = format!("gated sum, norm and sum {shape:?}");
    let case = Case::traced("transformer", dtype, &detail, tolerance(dtype, width, 12), |scope| {
        let (x, update) = (input(scope, "x", dtype, shape)?, input(scope, "update", dtype, shape)?);
        let all = row(shape);
        let vector = |name: &str| input(scope, name, dtype, &all);
        let (gate, scale, shift) = (vector("gate")?, vector("scale")?, vector("shift")?);
        let sum = (&x + &(&gate * &update)?)?;
        let normed = modulate(&sum.layer_norm(None, 1e-5)?, &scale, &shift)?;
        scope.output("sum", &sum)?;
        scope.output("y", &(&sum + &normed.silu()?.softmax(shape.len() - 1)?)?)
    })?;
    // Far enough apart that the norm does not magnify a rounding.
    Ok(case.filled("x", Fill::Uniform(-3.0, 5.0)))
}

/// A sum that only a norm with weights reads.
fn sum_alone(dtype: DType, shape: &[usize]) -> Result<Case> {
    let width = shape.last().copied().unwrap_or(1);
    let detail = format!("sum and norm {shape:?}");
    let case = Case::traced("transformer", dtype, &detail, tolerance(dtype, width, 6), |scope| {
        let (x, update) = (input(scope, "x", dtype, shape)?, input(scope, "update", dtype, shape)?);
        let weight = scope.with_dtype(dtype).param("weight", &[width])?;
        scope.output("y", &(&x + &update)?.rms_norm(Some(&weight), 1e-5)?)
    })?;
    Ok(case.filled("x", Fill::Uniform(-3.0, 5.0)))
}

/// A sum between two norms, which both could take.
fn norm_between(dtype: DType) -> Result<Case> {
    let case = Case::traced("transformer", dtype, "norm, sum and norm", tolerance(dtype, 64, 12), |scope| {
        let (x, y) = (input(scope, "x", dtype, &[3, 40])?, input(scope, "y", dtype, &[3, 40])?);
        let sum = (&x.layer_norm(None, 1e-5)? + &y)?;
        scope.output("sum", &sum)?;
        scope.output("z", &(&sum.rms_norm(None, 1e-5)? * 0.5)?)
    })?;
    Ok(case.filled("x", Fill::Uniform(-3.0, 5.0)))
}

#[derive(Clone, Copy)]
struct Sizes {
    /// Of two sequences that are joined.
    tokens: [usize; 2],
    heads: usize,
    depth: usize,
}

/// Queries, keys and values of a sequence, `[1, s, heads, d]`, queries and keys normed: of three products, or of slices of one.
fn project(scope: &Scope, x: &Value, sizes: Sizes, one: bool) -> Result<[Value; 3]> {
    let (tokens, width) = (x.shape()[1], sizes.heads * sizes.depth);
    let product = |name: &str, outputs: usize| {
        let scope = scope.child(name);
        let (weight, bias) =
            (scope.param("weight", &[outputs, x.shape()[2]])?, scope.param("bias", &[outputs])?);
        x.linear(&weight, Some(&bias))
    };
    let parts = if one {
        let all = product("all", 3 * width)?;
        all.chunk(2, 3)?
    } else {
        vec![product("q", width)?, product("k", width)?, product("v", width)?]
    };
    let heads = |at: usize| parts[at].reshape(&[1, tokens, sizes.heads, sizes.depth]);
    let norm =
        |name: &str, x: Value| x.rms_norm(Some(&scope.child(name).param("weight", &[sizes.depth])?), 1e-2);
    Ok([norm("norm_q", heads(0)?)?, norm("norm_k", heads(1)?)?, heads(2)?])
}

fn attend(scope: &Scope, [q, k, v]: &[Value; 3], sizes: Sizes, pairing: Pairing) -> Result<Value> {
    let tokens = q.shape()[1];
    let table = |name: &str| input(scope, name, DType::F32, &[tokens, sizes.depth]);
    let (cos, sin) = (table("cos")?, table("sin")?);
    let turned = |x: &Value| x.transpose(&[0, 2, 1, 3])?.rotary_embedding(&cos, &sin, pairing);
    let y = turned(q)?.attention(&turned(k)?, &v.transpose(&[0, 2, 1, 3])?, None, 0.1)?;
    y.transpose(&[0, 2, 1, 3])?.reshape(&[1, tokens, sizes.heads * sizes.depth])
}

fn quiet(case: Case) -> Case {
    // Weights that keep the activation's size: with larger ones the softmax would magnify every rounding.
    let names: Vec<String> = case.program.entry().params.iter().map(|param| param.name.clone()).collect();
    names.iter().fold(case, |case, name| case.filled(name, Fill::Normal(0.25)))
}

/// Attention over two sequences that are joined after the norms; then each goes its way.
fn joint(dtype: DType, pairing: Pairing, sizes: Sizes, one: bool) -> Result<Case> {
    let [first, second] = sizes.tokens;
    let products = if one { "one product" } else { "three products" };
    let detail =
        format!("joint attention {first}+{second}x{}x{} {pairing:?} of {products}", sizes.heads, sizes.depth);
    let case = Case::traced("transformer", dtype, &detail, tolerance(dtype, 150, 20), |scope| {
        let scope = scope.with_dtype(dtype);
        let (a, b) =
            (input(&scope, "a", dtype, &[1, first, 16])?, input(&scope, "b", dtype, &[1, second, 16])?);
        let (p, t) =
            (project(&scope.child("a"), &a, sizes, one)?, project(&scope.child("b"), &b, sizes, one)?);
        let join = |at: usize| concat(&[&p[at], &t[at]], 1);
        let y = attend(&scope, &[join(0)?, join(1)?, join(2)?], sizes, pairing)?;
        scope.output("a_out", &y.slice(1, 0, first)?.silu()?)?;
        scope.output("b_out", &y.slice(1, first, first + second)?)
    })?;
    Ok(quiet(case))
}

/// Attention and a feed-forward layer side by side, their results joined for one product.
fn alone(dtype: DType, pairing: Pairing, sizes: Sizes) -> Result<Case> {
    let tokens = sizes.tokens[1];
    let detail = format!("attention beside a layer {tokens}x{}x{} {pairing:?}", sizes.heads, sizes.depth);
    let case = Case::traced("transformer", dtype, &detail, tolerance(dtype, 400, 24), |scope| {
        let scope = scope.with_dtype(dtype);
        let x = input(&scope, "x", dtype, &[1, tokens, 16])?;
        let parts = project(&scope, &x, sizes, true)?;
        let y = attend(&scope, &parts, sizes, pairing)?;
        let linear = |name: &str, x: &Value, outputs: usize| {
            let (scope, width) = (scope.child(name), x.shape()[2]);
            x.linear(&scope.param("weight", &[outputs, width])?, Some(&scope.param("bias", &[outputs])?))
        };
        let mlp = linear("mlp", &x, 24)?.gelu(tintype_program::GeluForm::Tanh)?;
        let out = linear("out", &concat(&[&y, &mlp], 2)?, 16)?;
        let gate = input(&scope, "gate", dtype, &[1, 1, 16])?;
        scope.output("y", &(&x + &(&gate * &out)?)?)
    })?;
    Ok(quiet(case))
}
