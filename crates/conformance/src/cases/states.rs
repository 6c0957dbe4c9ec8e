//! States: read and written in place, carried from run to run.

use super::making::FLOATS;
use super::{Case, Fill, Tolerance};
use tintype_program::{DType, Result, TensorType};

pub(super) fn cases() -> Result<Vec<Case>> {
    let mut cases = vec![counter()?, stepping()?];
    for dtype in FLOATS {
        cases.extend([latents(dtype)?, multistep(dtype)?, exchange(dtype)?, shifted(dtype)?, kept(dtype)?]);
    }
    Ok(cases)
}

/// A step index that counts up.
fn counter() -> Result<Case> {
    Case::traced("state", DType::I32, "a counter", Tolerance::EXACT, |scope| {
        let step = scope.state("step", TensorType::new(DType::I32, [1]))?;
        scope.update(&step, &(step.value() + 1.0)?)
    })
}

/// A step index that picks a row of a table before it counts up.
fn stepping() -> Result<Case> {
    let case = Case::traced("state", DType::I32, "a counter that picks a row", Tolerance::EXACT, |scope| {
        let step = scope.state("step", TensorType::new(DType::I32, []))?;
        let row = scope.input("table", TensorType::new(DType::F32, [3, 4]))?.gather(0, step.value())?;
        scope.update(&step, &(step.value() + 1.0)?)?;
        scope.output("row", &row)?;
        // What the state held before, though it is written in the same run.
        scope.output("before", step.value())
    })?;
    Ok(case.filled("step", Fill::Cycle(vec![0.0])))
}

/// An Euler step: the latents move along the model's output by a factor that is an input.
fn latents(dtype: DType) -> Result<Case> {
    let tolerance = Tolerance::sum(dtype, 4).and_roundings(dtype, 3);
    Case::traced("state", dtype, "latents moved", tolerance, |scope| {
        let latents = scope.state("latents", TensorType::new(dtype, [2, 3, 5]))?;
        let model = scope.input("model", TensorType::new(dtype, [2, 3, 5]))?;
        let delta = scope.input("delta", TensorType::new(dtype, []))?;
        let next = (latents.value() + &(&model * &delta)?)?;
        scope.update(&latents, &next)?;
        scope.output("moved", &next)
    })
}

/// A multistep scheduler: a row of coefficients over sample, model output and two earlier outputs, which move up.
fn multistep(dtype: DType) -> Result<Case> {
    let tolerance = Tolerance::sum(dtype, 8).and_roundings(dtype, 6);
    let case = Case::traced("state", dtype, "a multistep scheduler's history", tolerance, |scope| {
        let ty = TensorType::new(dtype, [3, 7]);
        let step = scope.state("step", TensorType::new(DType::I32, []))?;
        let sample = scope.state("sample", ty.clone())?;
        let (last, before) = (scope.state("last", ty.clone())?, scope.state("before", ty.clone())?);
        let model = scope.input("model", ty)?;
        let row = scope.input("table", TensorType::new(dtype, [5, 4]))?.gather(0, step.value())?;
        let coefficient = |i| row.slice(0, i, i + 1)?.reshape(&[]);
        let mut next = (sample.value() * &coefficient(0)?)?;
        for (i, term) in [&model, last.value(), before.value()].into_iter().enumerate() {
            next = (&next + &(term * &coefficient(i + 1)?)?)?;
        }
        scope.update(&sample, &next)?;
        scope.update(&before, last.value())?;
        scope.update(&last, &model)?;
        scope.update(&step, &(step.value() + 1.0)?)
    })?;
    Ok(case.filled("step", Fill::Cycle(vec![0.0])))
}

/// Two states that exchange contents: writing one before the other is read loses it.
fn exchange(dtype: DType) -> Result<Case> {
    Case::traced("state", dtype, "two exchanged", Tolerance::EXACT, |scope| {
        let ty = TensorType::new(dtype, [5, 3]);
        let (a, b) = (scope.state("a", ty.clone())?, scope.state("b", ty)?);
        scope.update(&a, b.value())?;
        scope.update(&b, a.value())?;
        scope.output("a_before", a.value())
    })
}

/// A cache whose rows move up by one: the new content overlaps the old.
fn shifted(dtype: DType) -> Result<Case> {
    Case::traced("state", dtype, "rows moved up", Tolerance::EXACT, |scope| {
        let cache = scope.state("cache", TensorType::new(dtype, [4, 33]))?;
        let row = scope.input("row", TensorType::new(dtype, [1, 33]))?;
        let next = tintype_program::concat(&[&cache.value().slice(0, 1, 4)?, &row], 0)?;
        scope.update(&cache, &next)?;
        scope.output("transposed", &cache.value().transpose(&[1, 0])?)
    })
}

/// A state that is only read, and one that becomes an input.
fn kept(dtype: DType) -> Result<Case> {
    let tolerance = Tolerance::rounded(dtype);
    Case::traced("state", dtype, "one kept, one replaced", tolerance, |scope| {
        let ty = TensorType::new(dtype, [9]);
        let (kept, replaced) = (scope.state("kept", ty.clone())?, scope.state("replaced", ty.clone())?);
        let x = scope.input("x", ty)?;
        scope.update(&replaced, &x)?;
        scope.output("y", &(kept.value() + replaced.value())?)
    })
}
