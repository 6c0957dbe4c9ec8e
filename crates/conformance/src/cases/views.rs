//! Chains of operations that a plugin may turn into views, and what reads them.

use super::making::FLOATS;
use super::{Case, Fill, Tolerance};
use tintype_program::{DType, GeluForm, PadMode, Reduce, Result, Scope, TensorType, Value, concat};

/// Declares an input of a name and shape.
type Input<'a> = dyn Fn(&str, &[usize]) -> Result<Value> + 'a;

/// Computes the output from inputs that it declares.
type Build<'a> = dyn Fn(&Scope, &Input<'_>) -> Result<Value> + 'a;

pub(super) fn cases() -> Result<Vec<Case>> {
    let mut cases = Vec::new();
    for dtype in FLOATS {
        let mut add = |detail: &str, depth: usize, build: &Build<'_>| -> Result<()> {
            let tolerance = Tolerance::sum(dtype, depth).and_roundings(dtype, 2);
            let case = Case::traced("views", dtype, detail, tolerance, |scope| {
                let scope = scope.with_dtype(dtype);
                let y = build(&scope, &|name, shape| scope.input(name, TensorType::new(dtype, shape)))?;
                scope.output("y", &y)
            })?;
            // Larger projections would make the softmax magnify every rounding.
            cases.push(case.filled("qkv", Fill::Normal(0.3)));
            Ok(())
        };
        add("slice of transpose of reshape, times a matrix", 15, &|_, input| {
            let x = input("x", &[6, 35])?.reshape(&[2, 3, 7, 5])?.transpose(&[0, 2, 1, 3])?.slice(1, 1, 6)?;
            x.reshape(&[10, 15])?.matmul(&input("w", &[15, 4])?)
        })?;
        add("a matrix times a transpose", 9, &|_, input| {
            input("x", &[2, 5, 9])?.matmul(&input("w", &[2, 7, 9])?.transpose(&[0, 2, 1])?)
        })?;
        add("a transpose times a slice", 9, &|_, input| {
            input("x", &[9, 5])?.transpose(&[1, 0])?.matmul(&input("w", &[11, 7])?.slice(0, 1, 10)?)
        })?;
        add("a broadcast matrix", 6, &|_, input| {
            input("x", &[3, 4, 6])?.matmul(&input("w", &[6, 5])?.broadcast_to(&[3, 6, 5])?)
        })?;
        add("heads split, attended and joined", 40, &|scope, input| {
            let x = input("x", &[2, 7, 12])?;
            let qkv = x.linear(&scope.param("qkv", &[36, 12])?, None)?.reshape(&[2, 7, 3, 2, 6])?;
            let qkv = qkv.transpose(&[2, 0, 3, 1, 4])?;
            let part = |i| qkv.slice(0, i, i + 1)?.reshape(&[2, 2, 7, 6]);
            let y = part(0)?.attention(&part(1)?, &part(2)?, None, 0.4)?;
            y.transpose(&[0, 2, 1, 3])?.reshape(&[2, 7, 12])
        })?;
        add("a slice normalised", 40, &|_, input| {
            input("x", &[3, 20])?.slice(1, 3, 16)?.layer_norm(None, 1e-5)
        })?;
        add("a transpose normalised in groups", 40, &|_, input| {
            input("x", &[5, 3, 4])?.transpose(&[2, 1, 0])?.transpose(&[1, 0, 2])?.group_norm(2, None, 1e-5)
        })?;
        add("a transpose reduced", 8, &|_, input| {
            input("x", &[4, 5, 8])?.transpose(&[2, 0, 1])?.reduce(Reduce::Sum, &[0])
        })?;
        add("a transpose convolved", 28, &|scope, input| {
            let x = input("x", &[1, 6, 5, 3])?.transpose(&[0, 3, 1, 2])?;
            x.convolution(&scope.param("w", &[4, 3, 3, 3])?, None, &[1, 1], &[[1, 1], [1, 1]])
        })?;
        add("broadcasts on both sides", 1, &|_, input| &input("x", &[3, 1, 5])? * &input("w", &[4, 1])?)?;
        add("a scalar against a matrix", 1, &|_, input| &input("x", &[])? - &input("w", &[3, 5])?)?;
        add("a row against a matrix", 1, &|_, input| &input("x", &[4, 5])? + &input("w", &[5])?)?;
        add("a column against a matrix", 1, &|_, input| &input("x", &[4, 1])? + &input("w", &[4, 5])?)?;
        add("a middle axis broadcast", 1, &|_, input| {
            &input("x", &[2, 1, 5])? / &(&input("w", &[2, 3, 5])?.unary(tintype_program::Unary::Abs)? + 1.0)?
        })?;
        add("a slice plus another of one value", 1, &|_, input| {
            let x = input("x", &[4, 10])?;
            &x.slice(1, 0, 5)? + &x.slice(1, 5, 10)?
        })?;
        add("halves exchanged", 1, &|_, input| {
            let x = input("x", &[3, 8])?;
            concat(&[&x.slice(1, 4, 8)?, &x.slice(1, 0, 4)?], 1)
        })?;
        add("pieces of one value joined thrice", 1, &|_, input| {
            let x = input("x", &[3, 5])?;
            concat(&[&x, &x, &x.transpose(&[1, 0])?.reshape(&[3, 5])?], 0)
        })?;
        add("a padded slice", 1, &|_, input| {
            input("x", &[5, 7])?
                .slice(0, 1, 4)?
                .pad(&[1, 0], &[0, 2], PadMode::Replicate)?
                .gelu(GeluForm::Erf)
        })?;
        add("an enlarged transpose", 1, &|_, input| {
            input("x", &[1, 4, 3, 2])?.transpose(&[0, 3, 1, 2])?.upsample(&[2, 3])
        })?;
        add("a reshape of a broadcast", 1, &|_, input| {
            input("x", &[3, 1])?.broadcast_to(&[3, 4])?.reshape(&[2, 6])?.silu()
        })?;
    }
    for dtype in [DType::I32, DType::U8] {
        cases.push(Case::traced(
            "views",
            dtype,
            "a slice of a transpose joined",
            Tolerance::EXACT,
            |scope| {
                let x = scope.input("x", TensorType::new(dtype, [5, 7]))?;
                let t = x.transpose(&[1, 0])?;
                scope.output("y", &concat(&[&t.slice(0, 4, 7)?, &t.slice(0, 0, 2)?], 0)?)
            },
        )?);
    }
    Ok(cases)
}
