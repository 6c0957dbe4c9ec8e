//! The tensors that a model's configs ask for, held against those that are stored.

use super::Problem;
use crate::Result;
use crate::flux::{Flux, Part};
use crate::generate::dtype_of;
use std::collections::BTreeMap;
use tintype_accel::{ParamSlot, Signature};
use tintype_program::{DType, Source};

/// Every difference, by component, then by tensor.
pub(in crate::inspect) fn compare(flux: &Flux) -> Result<Vec<Problem>> {
    // Names and shapes depend neither on the size of the picture nor on the dtype.
    let stages = flux.every_stage(&flux.smallest(), DType::F32.into())?;
    let mut problems = Vec::new();
    for part in flux.parts() {
        let mut wanted: BTreeMap<String, Option<Vec<usize>>> = BTreeMap::new();
        for stage in stages.iter().filter(|stage| stage.name.split('.').next() == Some(part.name)) {
            for slot in Signature::of(&stage.program).params {
                enter(&slot, &mut wanted);
            }
        }
        problems.extend(differences(&part, &wanted));
    }
    Ok(problems)
}

/// The tensors that a parameter reads, with their shape where the parameter is the tensor itself.
fn enter(slot: &ParamSlot, wanted: &mut BTreeMap<String, Option<Vec<usize>>>) {
    if let Source::Load { name } = &slot.source {
        wanted.insert(name.clone(), Some(slot.ty.shape.clone()));
        return;
    }
    slot.source.for_each_name(&mut |name| {
        wanted.entry(name.to_owned()).or_default();
    });
}

fn differences(part: &Part, wanted: &BTreeMap<String, Option<Vec<usize>>>) -> Vec<Problem> {
    let component = || part.name.to_owned();
    let mut problems = Vec::new();
    for (tensor, shape) in wanted {
        let Some(found) = part.weights.get(tensor) else {
            let shape = shape.clone().unwrap_or_default();
            problems.push(Problem::Missing { component: component(), tensor: tensor.clone(), shape });
            continue;
        };
        if let Some(shape) = shape.as_ref().filter(|shape| *shape != found.shape) {
            let (found, wanted) = (found.shape.to_vec(), shape.clone());
            problems.push(Problem::Shape { component: component(), tensor: tensor.clone(), found, wanted });
        }
        if !dtype_of(found.dtype).is_some_and(DType::is_float) {
            let found = format!("{:?}", found.dtype);
            problems.push(Problem::Dtype { component: component(), tensor: tensor.clone(), found });
        }
    }
    let unused = part.weights.names().filter(|name| !wanted.contains_key(*name) && !(part.ignores)(name));
    problems.extend(unused.map(|name| Problem::Unused {
        component: component(),
        tensor: name.to_owned(),
        shape: part.weights.get(name).map(|view| view.shape.to_vec()).unwrap_or_default(),
    }));
    problems
}
