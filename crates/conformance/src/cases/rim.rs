//! The rim of a Program: inputs that nothing reads, outputs that nothing computes.

use super::{Case, Tolerance};
use tintype_program::{DType, Result, Scope, TensorType, Value};

pub(super) fn cases() -> Result<Vec<Case>> {
    let mut cases = Vec::new();
    for dtype in DType::ALL {
        let mut add = |detail: &str, build: &dyn Fn(&Scope, &Value) -> Result<()>| -> Result<()> {
            cases.push(Case::traced("rim", dtype, detail, Tolerance::EXACT, |scope| {
                let scope = scope.with_dtype(dtype);
                let x = scope.input("x", TensorType::new(dtype, [3, 5]))?;
                build(&scope, &x)
            })?);
            Ok(())
        };
        add("an input nothing reads", &|scope, x| {
            scope.input("unread", TensorType::new(dtype, [7]))?;
            scope.output("y", &x.transpose(&[1, 0])?)
        })?;
        add("an output that is an input", &|scope, x| scope.output("y", x))?;
        add("an output that is a param", &|scope, _| scope.output("y", &scope.param("w", &[2, 3])?))?;
        add("one value as two outputs", &|scope, x| {
            let y = x.slice(0, 1, 3)?;
            scope.output("y", &y)?;
            scope.output("z", &y)
        })?;
        add("an input as two outputs", &|scope, x| {
            scope.output("y", x)?;
            scope.output("z", x)
        })?;
        add("views as outputs", &|scope, x| {
            scope.output("reshaped", &x.reshape(&[15])?)?;
            scope.output("transposed", &x.transpose(&[1, 0])?)?;
            scope.output("sliced", &x.slice(1, 1, 4)?)?;
            scope.output("broadcast", &x.slice(0, 2, 3)?.broadcast_to(&[4, 5])?)
        })?;
        add("a view of a param as output", &|scope, _| {
            scope.output("y", &scope.param("w", &[2, 3])?.transpose(&[1, 0])?)
        })?;
        add("a result that is used and handed back", &|scope, x| {
            let y = tintype_program::concat(&[x, x], 0)?;
            scope.output("y", &y)?;
            scope.output("z", &y.slice(0, 1, 5)?)
        })?;
        add("nothing and a scalar", &|scope, x| {
            scope.output("empty", &x.slice(0, 1, 1)?)?;
            scope.output("scalar", &x.slice(0, 1, 2)?.slice(1, 4, 5)?.reshape(&[])?)
        })?;
    }
    Ok(cases)
}
