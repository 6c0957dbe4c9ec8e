//! The workspace: where tensors live that no section holds, first fit by lifetime.

use crate::recipe::{Place, RecipeTensor, Step};

/// Addresses in the workspace are multiples of this.
const ALIGN: u64 = 128;

/// Gives every workspace tensor an offset; returns the size of the workspace.
pub fn plan(tensors: &mut [RecipeTensor], steps: &[Step]) -> u64 {
    let mut first = vec![usize::MAX; tensors.len()];
    let mut last = vec![0usize; tensors.len()];
    for (at, step) in steps.iter().enumerate() {
        for &tensor in step.inputs.iter().chain(&step.outputs).flatten() {
            first[tensor] = first[tensor].min(at);
            last[tensor] = last[tensor].max(at);
        }
    }
    let mut starting: Vec<usize> = (0..tensors.len())
        .filter(|&index| matches!(tensors[index].place, Place::Workspace(_)) && first[index] != usize::MAX)
        .collect();
    starting.sort_by_key(|&index| first[index]);
    // Live ranges as (begin, end, last step), by begin.
    let mut live: Vec<(u64, u64, usize)> = Vec::new();
    let mut size = 0;
    for index in starting {
        live.retain(|&(_, _, until)| until >= first[index]);
        let bytes = tensors[index].bytes().next_multiple_of(ALIGN);
        let mut begin = 0;
        let mut at = live.len();
        for (position, &(other, end, _)) in live.iter().enumerate() {
            if other >= begin + bytes {
                at = position;
                break;
            }
            begin = end;
        }
        live.insert(at, (begin, begin + bytes, last[index]));
        tensors[index].place = Place::Workspace(begin);
        size = size.max(begin + bytes);
    }
    size
}
