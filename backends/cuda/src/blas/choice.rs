//! Which algorithms the library offers.

use super::Inner;
use super::descriptor::Descriptor;
use super::table::{CONFIGURATION, Choice, IN_F32, Table, preference};
use std::sync::Arc;

/// What an algorithm may want of memory, in bytes: what NVIDIA advises for Hopper.
const WORKSPACE: u64 = 32 << 20;
/// Algorithms asked for: the first may be one that does not hold what was promised, or not the fastest.
const LIST: usize = 24;

/// Those of the heuristic's list that the library vouches for, its first choice first; never none. Matrices are at multiples of `alignment` bytes.
pub(super) fn list(
    inner: &Inner,
    description: &Descriptor,
    [first, second, out]: &[Descriptor; 3],
    alignment: usize,
) -> Result<Vec<Choice>, String> {
    let wanted = wanted(&inner.table, alignment)?;
    let choose = inner.table.cublasLtMatmulAlgoGetHeuristic()?;
    let mut list = [Choice::default(); LIST];
    let mut found = 0;
    // SAFETY: the descriptors live; `list` has room for as many as are asked for; c lies as d does.
    let status = unsafe {
        choose(
            inner.handle,
            description.object,
            first.object,
            second.object,
            out.object,
            out.object,
            wanted.object,
            LIST as i32,
            list.as_mut_ptr(),
            &mut found,
        )
    };
    inner.table.check(status, "cublasLtMatmulAlgoGetHeuristic")?;
    let found = usize::try_from(found).unwrap_or(0).min(LIST);
    let sound = |choice: &&Choice| choice.status == 0 && choice.workspace as u64 <= WORKSPACE;
    let list: Vec<Choice> = list[..found].iter().filter(sound).copied().collect();
    match list.is_empty() {
        true => Err(format!("cuBLASLt {} has no algorithm for it", inner.version)),
        false => Ok(list),
    }
}

/// What is asked of an algorithm.
pub(super) fn wanted(table: &Arc<Table>, alignment: usize) -> Result<Descriptor, String> {
    let mut wanted = Descriptor::preference(table)?;
    wanted.set(preference::WORKSPACE, WORKSPACE)?;
    // The other schemes round parts of a sum to the result's type.
    wanted.set(preference::REDUCTION, IN_F32)?;
    for operand in 0..4 {
        wanted.set(preference::ALIGNMENT + operand, alignment as u32)?;
    }
    Ok(wanted)
}

/// The library's version and what the algorithm is made of.
pub(super) fn describe(inner: &Inner, choice: &Choice) -> String {
    let mut text = format!("cuBLASLt {}", inner.version);
    let Ok(get) = inner.table.cublasLtMatmulAlgoConfigGetAttribute() else { return text };
    for (name, attribute) in CONFIGURATION {
        let (mut value, mut written) = (0i32, 0usize);
        let place = (&raw mut value).cast();
        // SAFETY: `place` has room for the four bytes that it is said to have.
        if unsafe { get(&choice.algorithm, attribute, place, size_of::<i32>(), &mut written) } == 0 {
            text += &format!(" {name} {value}");
        }
    }
    text
}
