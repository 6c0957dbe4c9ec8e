//! Which algorithms a library offers.

use super::descriptor::Descriptor;
use super::table::WORKSPACE;
use super::{Inner, Shared};
use std::ffi::c_void;
use std::sync::Arc;

/// The most results of a heuristic.
const LIST: usize = 24;
/// Words of the longest result of a heuristic.
const WORDS: usize = 12;

/// An algorithm that a heuristic gave: opaque, and free to be copied.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Choice {
    /// The vendor's structure, the algorithm first.
    result: [u64; WORDS],
    workspace: usize,
}

impl Choice {
    /// Of the result of a heuristic: its words, the algorithm first, and the bytes of workspace that it names.
    pub fn new(result: [u64; WORDS], workspace: usize) -> Self {
        Self { result, workspace }
    }

    /// Bytes of device memory that it needs while it runs.
    pub fn workspace(&self) -> usize {
        self.workspace
    }

    /// The words of the vendor's structure, the algorithm first.
    pub fn words(&self) -> &[u64] {
        &self.result
    }

    pub(super) fn algorithm(&self) -> *const c_void {
        self.result.as_ptr().cast()
    }
}

/// Those of the heuristic's list that the library vouches for, its first choice first; never none. Matrices are at multiples of `alignment` bytes.
pub(super) fn list(
    inner: &Inner,
    description: &Descriptor,
    [first, second, out]: &[Descriptor; 3],
    alignment: usize,
) -> Result<Vec<Choice>, String> {
    let shared = &inner.shared;
    let wanted = wanted(shared, alignment)?;
    let numbers = shared.vendor.numbers();
    let [workspace, status, bytes] = numbers.result;
    let most = numbers.list.min(LIST);
    let mut results = [0_u64; LIST * WORDS];
    let mut found = 0;
    // SAFETY: the descriptors live; there is room for as many results as are asked for; c lies as d does.
    shared.check(unsafe {
        shared.table.heuristic(
            inner.handle,
            description.object,
            first.object,
            second.object,
            out.object,
            out.object,
            wanted.object,
            most as i32,
            results.as_mut_ptr().cast(),
            &mut found,
        )
    })?;
    let found = usize::try_from(found).unwrap_or(0).min(most);
    let all: Vec<u8> = results.iter().flat_map(|word| word.to_ne_bytes()).collect();
    let list: Vec<Choice> = all
        .chunks_exact(bytes)
        .take(found)
        .filter_map(|result| {
            let status = i32::from_ne_bytes(result.get(status..status + 4)?.try_into().ok()?);
            let workspace = usize::from_ne_bytes(result.get(workspace..workspace + 8)?.try_into().ok()?);
            let sound = status == 0 && workspace as u64 <= numbers.workspace;
            sound.then(|| Choice::new(words(result), workspace))
        })
        .collect();
    match list.is_empty() {
        true => Err(format!("{} {} has no algorithm for it", shared.vendor.title(), inner.version)),
        false => Ok(list),
    }
}

fn words(result: &[u8]) -> [u64; WORDS] {
    let mut words = [0; WORDS];
    for (word, bytes) in words.iter_mut().zip(result.chunks_exact(8)) {
        *word = bytes.try_into().map_or(0, u64::from_ne_bytes);
    }
    words
}

/// What is asked of an algorithm.
pub(super) fn wanted(shared: &Arc<Shared>, alignment: usize) -> Result<Descriptor, String> {
    let numbers = shared.vendor.numbers();
    let mut wanted = Descriptor::preference(shared)?;
    wanted.set(WORKSPACE, numbers.workspace)?;
    for &(preference, value) in numbers.preferences {
        wanted.set(preference, value)?;
    }
    for preference in numbers.alignments.into_iter().flatten() {
        wanted.set(preference, alignment as u32)?;
    }
    Ok(wanted)
}
