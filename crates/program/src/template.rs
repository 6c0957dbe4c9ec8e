//! Programs of one kind at any size: what two traces have in common, and how they differ.
//!
//! Shapes of a Program are fixed. Where a plugin can serve a range of sizes with one piece of code, it is told what the sizes have
//! in common by a [`Template`]: the Program with every whole number that differs between two traces written as
//! `per * size + plus`, where `size` is an extent of an input, say how many tokens a picture has.

use crate::{Error, Program, Result, TensorType};
use serde_json::{Map, Value};
use std::ops::RangeInclusive;

/// A Program at any of a range of sizes.
///
/// ```
/// use tintype_program::{DType, Program, Template, TensorType};
///
/// let traced = |tokens: usize| {
///     Program::trace("model", |scope| {
///         let text = scope.input("text", TensorType::new(DType::F32, [4, 8]))?;
///         let picture = scope.input("picture", TensorType::new(DType::F32, [tokens, 8]))?;
///         scope.output("joint", &tintype_program::concat(&[&text, &picture], 0)?)
///     })
/// };
/// let template = Template::of(&traced(16)?, &traced(64)?, 1..=256)?.expect("they differ");
/// assert_eq!(template.size_of(&traced(100)?), Ok(100));
/// assert!(template.size_of(&traced(300)?).is_err());
/// # Ok::<(), tintype_program::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Template {
    program: Value,
    sizes: RangeInclusive<usize>,
    size: usize,
}

/// Keys of a number that depends on the size.
const PER: &str = "per";
const PLUS: &str = "plus";

impl Template {
    /// What two traces have in common; `None` where they are the same. The size is the smallest extent of `a`'s inputs and states
    /// that `b` has otherwise.
    ///
    /// # Errors
    ///
    /// Where they differ in more than whole numbers, in their weights, in no input, or in a number that does not grow evenly with the size, which
    /// is named by its place; or where the sizes leave out those of the traces.
    pub fn of(a: &Program, b: &Program, sizes: RangeInclusive<usize>) -> Result<Option<Self>> {
        if a == b {
            return Ok(None);
        }
        let refuse = |reason: String| Error::Template { name: a.entry().name.clone(), reason };
        let weights = |program: &Program| -> Vec<TensorType> {
            let entry = program.entry();
            entry.params.iter().map(|param| entry.ty(param.value).clone()).collect()
        };
        if weights(a) != weights(b) {
            return Err(refuse("their weights have other shapes".into()));
        }
        let ends = ends(a, b).ok_or_else(|| refuse("no input's extent differs".into()))?;
        for end in [ends.0, ends.1] {
            if !sizes.contains(&end) {
                let (least, most) = (sizes.start(), sizes.end());
                return Err(refuse(format!("it was traced at {end}, which is not within {least} to {most}")));
            }
        }
        let value = |program: &Program| {
            serde_json::to_value(program).map_err(|error| refuse(format!("it cannot be written: {error}")))
        };
        let mut place = Vec::new();
        let program = common(&value(a)?, &value(b)?, ends, &mut place)
            .map_err(|reason| refuse(format!("{}: {reason}", place.join("."))))?;
        Ok(Some(Self { program, sizes, size: ends.0 }))
    }

    /// The sizes that it stands for.
    pub fn sizes(&self) -> RangeInclusive<usize> {
        self.sizes.clone()
    }

    /// The size of the first of its traces.
    pub fn size(&self) -> usize {
        self.size
    }

    /// As JSON: the Program's, with `{"per": ..., "plus": ...}` in the place of each number that depends on the size.
    pub fn to_json(&self) -> String {
        let mut whole = Map::new();
        whole.insert("least".into(), (*self.sizes.start()).into());
        whole.insert("most".into(), (*self.sizes.end()).into());
        whole.insert("size".into(), self.size.into());
        whole.insert("program".into(), self.program.clone());
        Value::Object(whole).to_string()
    }

    /// Reads what [`Template::to_json`] wrote.
    ///
    /// # Errors
    ///
    /// Where it is something else.
    pub fn from_json(text: &str) -> Result<Self> {
        let refuse = |reason: &str| Error::Template { name: "this text".into(), reason: reason.into() };
        let mut value: Value = serde_json::from_str(text).map_err(|error| refuse(&error.to_string()))?;
        let number = |name: &str| {
            let number = value.get(name).and_then(Value::as_u64).and_then(|n| usize::try_from(n).ok());
            number.ok_or_else(|| refuse(&format!("it has no `{name}`")))
        };
        let (least, most, size) = (number("least")?, number("most")?, number("size")?);
        let program = value.get_mut("program").map(Value::take).ok_or_else(|| refuse("it has no Program"))?;
        Ok(Self { program, sizes: least..=most, size })
    }

    /// The size at which a Program is this template's.
    ///
    /// # Errors
    ///
    /// Why it is none.
    pub fn size_of(&self, program: &Program) -> std::result::Result<usize, String> {
        let value = serde_json::to_value(program).map_err(|error| error.to_string())?;
        let mut size = None;
        let mut place = Vec::new();
        matches(&self.program, &value, &mut size, &mut place)
            .map_err(|reason| format!("{}: {reason}", place.join(".")))?;
        let size = size.and_then(|size| usize::try_from(size).ok()).ok_or("it has no size")?;
        let (least, most) = (self.sizes.start(), self.sizes.end());
        match self.sizes.contains(&size) {
            true => Ok(size),
            false => Err(format!("its size is {size}, and {least} to {most} are meant")),
        }
    }
}

/// The size at both traces.
fn ends(a: &Program, b: &Program) -> Option<(usize, usize)> {
    let shapes = |program: &Program| -> Vec<usize> {
        let entry = program.entry();
        let values = entry.inputs.iter().map(|port| port.value);
        let values = values.chain(entry.states.iter().map(|state| state.value));
        values.flat_map(|value| entry.ty(value).shape.to_vec()).collect()
    };
    let (a, b) = (shapes(a), shapes(b));
    let differ = a.iter().copied().zip(b.iter().copied()).filter(|(a, b)| a != b);
    if a.len() == b.len() { differ.min() } else { None }
}

/// Goes through two values side by side; `place` is where it stands when it ends early.
fn common(
    a: &Value,
    b: &Value,
    ends: (usize, usize),
    place: &mut Vec<String>,
) -> std::result::Result<Value, String> {
    match (a, b) {
        (Value::Object(a), Value::Object(b)) if a.len() == b.len() => {
            let mut whole = Map::new();
            for (key, one) in a {
                let other = b.get(key).ok_or_else(|| format!("only one has `{key}`"))?;
                place.push(key.clone());
                whole.insert(key.clone(), common(one, other, ends, place)?);
                place.pop();
            }
            Ok(Value::Object(whole))
        }
        (Value::Array(a), Value::Array(b)) if a.len() == b.len() => {
            let mut whole = Vec::with_capacity(a.len());
            for (index, (one, other)) in a.iter().zip(b).enumerate() {
                place.push(index.to_string());
                whole.push(common(one, other, ends, place)?);
                place.pop();
            }
            Ok(Value::Array(whole))
        }
        (a, b) if a == b => Ok(a.clone()),
        (a, b) => match (a.as_i64(), b.as_i64()) {
            (Some(one), Some(other)) => {
                let (per, plus) = line(one, other, ends).ok_or_else(|| {
                    format!("{one} becomes {other}, which {} to {} does not explain", ends.0, ends.1)
                })?;
                let number = [(PER.to_string(), per.into()), (PLUS.to_string(), plus.into())];
                Ok(Value::Object(number.into_iter().collect()))
            }
            _ => Err("the traces are of different models".into()),
        },
    }
}

/// `per` and `plus` of a number that is `one` and `other` at the sizes of the traces.
fn line(one: i64, other: i64, ends: (usize, usize)) -> Option<(i64, i64)> {
    let (from, to) = (i64::try_from(ends.0).ok()?, i64::try_from(ends.1).ok()?);
    let per = whole(other.checked_sub(one)?, to.checked_sub(from)?)?;
    Some((per, one.checked_sub(per.checked_mul(from)?)?))
}

/// A quotient that leaves nothing over.
fn whole(a: i64, b: i64) -> Option<i64> {
    a.checked_div(b).filter(|_| a.checked_rem(b) == Some(0))
}

/// A number that depends on the size.
fn number(template: &Value) -> Option<(i64, i64)> {
    let object = template.as_object().filter(|object| object.len() == 2)?;
    Some((object.get(PER)?.as_i64()?, object.get(PLUS)?.as_i64()?))
}

/// Whether a value is the template's at some size, the same everywhere.
fn matches(
    template: &Value,
    value: &Value,
    size: &mut Option<i64>,
    place: &mut Vec<String>,
) -> std::result::Result<(), String> {
    if let (Some((per, plus)), Some(found)) = (number(template), value.as_i64()) {
        let wanted = match *size {
            Some(size) => size,
            None => {
                let found = found.checked_sub(plus).and_then(|rest| whole(rest, per));
                *size.insert(found.ok_or_else(|| "it is of no size".to_string())?)
            }
        };
        let expected = per.checked_mul(wanted).and_then(|product| product.checked_add(plus));
        return match expected == Some(found) {
            true => Ok(()),
            false => Err(format!("{found} is not of size {wanted}")),
        };
    }
    match (template, value) {
        (Value::Object(a), Value::Object(b)) if a.len() == b.len() => a.iter().try_for_each(|(key, one)| {
            place.push(key.clone());
            matches(one, b.get(key).ok_or("it is not there")?, size, place)?;
            place.pop();
            Ok(())
        }),
        (Value::Array(a), Value::Array(b)) if a.len() == b.len() => {
            a.iter().zip(b).enumerate().try_for_each(|(index, (one, other))| {
                place.push(index.to_string());
                matches(one, other, size, place)?;
                place.pop();
                Ok(())
            })
        }
        (a, b) if a == b => Ok(()),
        _ => Err("it is of another model".into()),
    }
}
