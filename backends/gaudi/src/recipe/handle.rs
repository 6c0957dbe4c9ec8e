//! Recipes of the library.

use crate::device::Acquired;
use crate::fault::Fault;
use crate::graph::{Graph, Home, Tensor};
use crate::sys::{Handle, INVALID_ID};
use std::ffi::{CString, c_char};
use std::path::Path;
use std::ptr::null_mut;
use std::sync::Arc;

/// A compiled graph.
pub(crate) struct Recipe {
    device: Arc<Acquired>,
    handle: Handle,
    /// Bytes that it works in beside its operands and results.
    pub(crate) workspace: u64,
    /// The tensors that lie in the caller's memory.
    pub(crate) slots: Vec<Slot>,
}

/// A tensor that lies in the caller's memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Slot {
    pub(crate) id: u64,
    pub(crate) home: SlotHome,
    pub(crate) bytes: usize,
}

/// Whose memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SlotHome {
    /// An operand's, so many bytes from its start.
    Input { position: usize, offset: usize },
    /// A result's.
    Output { position: usize },
}

// SAFETY: a recipe's handle may be used from any thread, and nothing changes it.
unsafe impl Send for Recipe {}
// SAFETY: as above.
unsafe impl Sync for Recipe {}

impl Recipe {
    pub(crate) fn handle(&self) -> Handle {
        self.handle
    }

    /// The recipe behind a handle, with what is asked of it before it can be launched.
    pub(super) fn finish(device: &Arc<Acquired>, handle: Handle, graph: &Graph) -> Result<Self, Fault> {
        let mut recipe = Self { device: Arc::clone(device), handle, workspace: 0, slots: Vec::new() };
        let (runtime, functions) = (&device.runtime, &device.runtime.synapse.functions);
        // SAFETY: a recipe, and room for one number.
        let status = unsafe { (functions.workspace_size)(&mut recipe.workspace, handle) };
        runtime.check("synWorkspaceGetSize", status)?;
        let rim: Vec<(SlotHome, &Tensor)> =
            graph.tensors.iter().filter_map(|tensor| Some((slot_home(&tensor.home)?, tensor))).collect();
        let names: Vec<CString> =
            rim.iter().filter_map(|(_, tensor)| CString::new(tensor.name()?).ok()).collect();
        let mut pointers: Vec<*const c_char> = names.iter().map(|name| name.as_ptr()).collect();
        let mut ids = vec![INVALID_ID; pointers.len()];
        // SAFETY: as many names and ids as is said.
        let status = unsafe {
            (functions.tensor_ids)(handle, pointers.as_mut_ptr(), ids.as_mut_ptr(), ids.len() as u32)
        };
        runtime.check("synTensorRetrieveIds", status)?;
        // An operand that the compiler found no use for has no id.
        let slots = rim.iter().zip(ids).filter(|(_, id)| *id != INVALID_ID);
        recipe.slots = slots.map(|((home, t), id)| Slot { id, home: *home, bytes: t.bytes() }).collect();
        Ok(recipe)
    }

    /// Writes it to a file.
    pub(crate) fn save(&self, file: &Path) -> Result<(), Fault> {
        let path = c_string(&file.to_string_lossy());
        // SAFETY: a recipe and a name that ends with a zero.
        let status =
            unsafe { (self.device.runtime.synapse.functions.recipe_serialize)(self.handle, path.as_ptr()) };
        self.device.runtime.check("synRecipeSerialize", status)
    }
}

impl Drop for Recipe {
    fn drop(&mut self) {
        // SAFETY: whoever launches it holds it until the stream has passed the launch.
        let status = unsafe { (self.device.runtime.synapse.functions.recipe_destroy)(self.handle) };
        if let Err(fault) = self.device.runtime.check("synRecipeDestroy", status) {
            tracing::warn!("{fault}");
        }
    }
}

pub(super) fn slot_home(home: &Home) -> Option<SlotHome> {
    match *home {
        Home::Input { position, offset } => Some(SlotHome::Input { position, offset }),
        Home::Output { position } => Some(SlotHome::Output { position }),
        Home::Workspace | Home::Constant(_) => None,
    }
}

/// Reads a recipe of this graph from a file.
pub(crate) fn load(device: &Arc<Acquired>, graph: &Graph, file: &Path) -> Result<Recipe, Fault> {
    let path = c_string(&file.to_string_lossy());
    let mut handle: Handle = null_mut();
    // SAFETY: room for one handle, and a name that ends with a zero.
    let status = unsafe { (device.runtime.synapse.functions.recipe_deserialize)(&mut handle, path.as_ptr()) };
    device.runtime.check("synRecipeDeSerialize", status)?;
    Recipe::finish(device, handle, graph)
}

/// A text that ends with a zero; what follows a zero in it is left out.
pub(super) fn c_string(text: &str) -> CString {
    CString::new(text.split('\0').next().unwrap_or_default()).unwrap_or_default()
}
