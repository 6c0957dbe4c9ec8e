//! Handing launches and copies to the stream.

use crate::commands::Spot;
use crate::compile::{Prepared, Step};
use crate::context::Context;
use crate::recipe::{Recipe, SlotHome};
use crate::scratch::Scratch;
use crate::sys::{DIM_MAX, Direction, LaunchTensor};
use std::ptr::null;
use tintype_accel::{Error, Result};

/// Where operands lie in one run.
pub(crate) struct Frame<'f> {
    /// Inputs, parameters, then states.
    pub(crate) arguments: &'f [u64],
    pub(crate) outputs: &'f [u64],
}

/// The tensors of each launch of a run, as the interface takes them: kept, only their addresses change.
pub(crate) type Tables = Vec<Vec<LaunchTensor>>;

/// Spares start at multiples of this many bytes.
const ALIGNMENT: u64 = 128;

/// Enqueues a run. `tables` is empty, or what an earlier run of the same list left there.
pub(crate) fn enqueue(
    context: &Context,
    scratch: &mut Scratch,
    prepared: &Prepared,
    frame: &Frame<'_>,
    tables: &mut Tables,
) -> Result<()> {
    scratch.arena.reserve(context, prepared.arena, "the arena of intermediate results")?;
    scratch.workspace.reserve(context, prepared.workspace, "the workspace of recipes")?;
    let recorded = !tables.is_empty();
    let mut launch = 0;
    for step in &prepared.list {
        match step {
            Step::Copy { from, to, bytes } => {
                let from = address(frame, scratch, *from)?;
                let to = address(frame, scratch, *to)?;
                copy(context, from, *bytes, to)?;
            }
            Step::Launch { recipe, reads, writes } => {
                if !recorded {
                    tables.push(table(recipe));
                }
                let mut ins = Vec::with_capacity(reads.len());
                for (spot, bytes) in reads {
                    ins.push((address(frame, scratch, *spot)?, *bytes as u64));
                }
                apart(context, scratch, recipe, &mut ins)?;
                let table = tables.get_mut(launch).ok_or_else(lost)?;
                for (tensor, slot) in table.iter_mut().zip(&recipe.slots) {
                    tensor.address = match slot.home {
                        SlotHome::Input { position, offset } => {
                            ins.get(position).ok_or_else(lost)?.0 + offset as u64
                        }
                        SlotHome::Output { position } => {
                            address(frame, scratch, writes.get(position).ok_or_else(lost)?.0)?
                        }
                    };
                }
                submit(context, recipe, table, scratch.workspace.address)?;
                launch += 1;
            }
        }
    }
    Ok(())
}

fn lost() -> Error {
    let reason = "a recipe has other operands than its launch".into();
    Error::Internal { backend: crate::NAME.into(), reason }
}

fn address(frame: &Frame<'_>, scratch: &Scratch, spot: Spot) -> Result<u64> {
    match spot {
        Spot::Argument(position) => frame.arguments.get(position).copied().ok_or_else(lost),
        Spot::Output(position) => frame.outputs.get(position).copied().ok_or_else(lost),
        Spot::Arena(offset) => Ok(scratch.arena.address + offset as u64),
    }
}

fn table(recipe: &Recipe) -> Vec<LaunchTensor> {
    let tensor = |id| LaunchTensor { name: null(), address: 0, kind: 0, sizes: [0; DIM_MAX], id };
    recipe.slots.iter().map(|slot| tensor(slot.id)).collect()
}

/// Sections of one launch must not overlap: an operand that is given twice is copied, once for each time more.
fn apart(context: &Context, scratch: &mut Scratch, recipe: &Recipe, ins: &mut [(u64, u64)]) -> Result<()> {
    let mut order: Vec<usize> = recipe
        .slots
        .iter()
        .filter_map(|slot| match slot.home {
            SlotHome::Input { position, .. } => Some(position),
            SlotHome::Output { .. } => None,
        })
        .collect();
    order.sort_by_key(|&position| ins.get(position).copied());
    order.dedup();
    let (mut end, mut twice) = (0, Vec::new());
    for position in order {
        let Some(&(start, bytes)) = ins.get(position) else { return Err(lost()) };
        if start < end {
            twice.push(position);
        } else {
            end = start + bytes;
        }
    }
    if twice.is_empty() {
        return Ok(());
    }
    let room = |bytes: u64| bytes.next_multiple_of(ALIGNMENT);
    let total: u64 =
        twice.iter().filter_map(|&position| ins.get(position)).map(|(_, bytes)| room(*bytes)).sum();
    scratch.spare.reserve(context, total as usize, "operands that are given twice")?;
    let mut to = scratch.spare.address;
    for position in twice {
        if let Some((start, bytes)) = ins.get_mut(position) {
            copy(context, *start, *bytes as usize, to)?;
            *start = to;
            to += room(*bytes);
        }
    }
    Ok(())
}

fn copy(context: &Context, from: u64, bytes: usize, to: u64) -> Result<()> {
    let device = &context.device;
    device
        .copy(&context.stream, from, bytes as u64, to, Direction::DeviceToDevice)
        .map_err(|fault| context.fault(fault))
}

fn submit(context: &Context, recipe: &Recipe, table: &[LaunchTensor], workspace: u64) -> Result<()> {
    let runtime = &context.device.runtime;
    // SAFETY: as many tensors as is said, each at memory that is given back only once the stream has passed this launch, as
    // the recipe is, which the context keeps.
    let status = unsafe {
        (runtime.synapse.functions.launch)(
            context.stream.handle(),
            table.as_ptr(),
            table.len() as u32,
            workspace,
            recipe.handle(),
            0,
        )
    };
    runtime.check("synLaunch", status).map_err(|fault| context.fault(fault))
}
