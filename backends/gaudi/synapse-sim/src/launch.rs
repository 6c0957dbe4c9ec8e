//! Launches: addresses checked against live memory, then the recipe's steps in order.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use crate::abi::{Outcome, Status, TENSOR_INVALID_ID, fault};
use crate::memory::{Memory, Region};
use crate::nodes::{self, Call, Desc};
use crate::recipe::{Place, Recipe};
use crate::state::lock;

/// One launch after its checks: every address with the allocation it is in.
pub struct Launch {
    recipe: Arc<Recipe>,
    /// By tensor: allocation and offset in it.
    tensors: Vec<Option<(Arc<Region>, usize)>>,
}

/// One job computes at a time, so that a job is never seen half done.
static ENGINE: Mutex<()> = Mutex::new(());

/// Checks what a launch was given: (tensor index, address) pairs and the workspace.
pub fn prepare(
    memory: &Memory,
    recipe: Arc<Recipe>,
    given: &[(u64, u64)],
    workspace: u64,
) -> Outcome<Launch> {
    let mut bases: BTreeMap<u32, u64> = BTreeMap::new();
    let mut covered = vec![false; recipe.tensors.len()];
    for &(id, address) in given {
        if id == TENSOR_INVALID_ID {
            continue; // Invalid ids are skipped (section 5, synLaunch).
        }
        let found =
            recipe.index(id).and_then(|index| recipe.tensors[index].section().map(|place| (index, place)));
        let Some((index, (section, offset))) = found else {
            return invalid(format!("{id:#x} is no persistent tensor of the recipe"));
        };
        covered[index] = true;
        if address == 0 {
            continue; // A sibling in the section may fix it.
        }
        let name = &recipe.tensors[index].name;
        let Some(base) = address.checked_sub(offset) else {
            return invalid(format!("{name}: address {address:#x} is below its offset {offset}"));
        };
        if *bases.entry(section).or_insert(base) != base {
            return invalid(format!("{name}: its section is at another address by a sibling"));
        }
    }
    let mut tensors = Vec::with_capacity(recipe.tensors.len());
    let mut spans: Vec<(u64, u64, u32)> = Vec::new();
    let workspace = workspace.next_multiple_of(128);
    if recipe.workspace > 0 {
        if memory.find(workspace, recipe.workspace).is_none() {
            return invalid(format!(
                "workspace {workspace:#x} is not {} bytes of live memory",
                recipe.workspace
            ));
        }
        spans.push((workspace, workspace + recipe.workspace, 0));
    }
    for (index, tensor) in recipe.tensors.iter().enumerate() {
        let (address, section) = match tensor.place {
            Place::Constant(_) => {
                tensors.push(None);
                continue;
            }
            Place::Workspace(offset) => (workspace + offset, 0),
            Place::Section(section, offset) => match bases.get(&section) {
                Some(base) if covered[index] => (base + offset, section),
                _ => return invalid(format!("{}: no address was given for it", tensor.name)),
            },
        };
        let bytes = tensor.bytes();
        let Some(region) = memory.find(address, bytes) else {
            return invalid(format!("{}: {address:#x} is not {bytes} bytes of live memory", tensor.name));
        };
        if section != 0 {
            spans.push((address, address + bytes, section));
        }
        let offset = region.offset(address, bytes).unwrap_or_default();
        tensors.push(Some((region, offset)));
    }
    spans.sort_unstable();
    let mut reach = (0, u32::MAX);
    for (begin, end, section) in spans {
        if begin < reach.0 && section != reach.1 {
            return invalid(format!("two sections overlap at {begin:#x}"));
        }
        if end > reach.0 {
            reach = (end, section);
        }
    }
    Ok(Launch { recipe, tensors })
}

fn invalid<T>(why: String) -> Outcome<T> {
    fault(Status::FAILED_SECTION_VALIDATION, why)
}

impl Launch {
    /// Runs all steps.
    pub fn run(self) -> Outcome {
        let _engine = lock(&ENGINE);
        for (at, step) in self.recipe.steps.iter().enumerate() {
            self.step(at)
                .or_else(|why| fault(Status::FAIL, format!("{} ({}): {why}", step.guid, step.name)))?;
        }
        Ok(())
    }

    fn step(&self, at: usize) -> Result<(), String> {
        let step = &self.recipe.steps[at];
        let found = nodes::find(&step.guid).ok_or("no such node")?;
        let describe = |list: &[Option<usize>]| -> Vec<Option<Desc>> {
            list.iter().map(|index| index.map(|index| self.recipe.tensors[index].desc.clone())).collect()
        };
        let (inputs, outputs) = (describe(&step.inputs), describe(&step.outputs));
        let call = Call {
            base: found.base,
            dtype: found.dtype,
            inputs: &inputs,
            outputs: &outputs,
            params: &step.params,
            input_layouts: &step.input_layouts,
            output_layouts: &step.output_layouts,
        };
        let results = self.compute(&step.inputs, |data| (found.kind.run)(&call, data))?;
        for (index, result) in step.outputs.iter().zip(results) {
            let (Some(index), Some(result)) = (*index, result) else { continue };
            let bytes = self.recipe.tensors[index].bytes() as usize;
            if result.len() != bytes {
                return Err(format!("a defect of this library: {} bytes for {bytes}", result.len()));
            }
            let (region, offset) = self.tensors[index].as_ref().ok_or("an output that is a constant")?;
            lock(&region.bytes)[*offset..*offset + bytes].copy_from_slice(&result);
        }
        Ok(())
    }

    /// Calls `body` with the bytes of the inputs, their allocations locked.
    fn compute<T>(&self, inputs: &[Option<usize>], body: impl FnOnce(&[Option<&[u8]>]) -> T) -> T {
        let mut guards = BTreeMap::new();
        for &index in inputs.iter().flatten() {
            if let Some((region, _)) = &self.tensors[index] {
                guards.entry(region.base).or_insert_with(|| lock(&region.bytes));
            }
        }
        let mut data: Vec<Option<&[u8]>> = Vec::with_capacity(inputs.len());
        for input in inputs {
            let Some(index) = *input else {
                data.push(None);
                continue;
            };
            let tensor = &self.recipe.tensors[index];
            data.push(match (&self.tensors[index], &tensor.place) {
                (Some((region, offset)), _) => {
                    guards.get(&region.base).map(|bytes| &bytes[*offset..*offset + tensor.bytes() as usize])
                }
                (None, Place::Constant(constant)) => Some(self.recipe.constants[*constant].as_slice()),
                (None, _) => None,
            });
        }
        body(&data)
    }
}

/// Runs a copy or a fill, apart from launches.
pub fn exclusive<T>(body: impl FnOnce() -> T) -> T {
    let _engine = lock(&ENGINE);
    body()
}
