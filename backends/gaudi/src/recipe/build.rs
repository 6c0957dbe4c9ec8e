//! A graph as a recipe of the library.

use crate::device::Acquired;
use crate::fault::Fault;
use crate::graph::{Graph, Home, Tensor, data_type};
use crate::sys::{DIM_MAX, Geometry, Handle, INVALID_ID, Status};
use std::ffi::{CString, c_char};
use std::ptr::{null, null_mut};
use std::sync::Arc;

/// `synGeometryType`: sizes that do not change.
const SIZES: i32 = 1;

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
    fn finish(device: &Arc<Acquired>, handle: Handle, graph: &Graph) -> Result<Self, Fault> {
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
    pub(crate) fn save(&self, file: &std::path::Path) -> Result<(), Fault> {
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

fn slot_home(home: &Home) -> Option<SlotHome> {
    match *home {
        Home::Input { position, offset } => Some(SlotHome::Input { position, offset }),
        Home::Output { position } => Some(SlotHome::Output { position }),
        Home::Workspace | Home::Constant(_) => None,
    }
}

/// Reads a recipe of this graph from a file.
pub(crate) fn load(device: &Arc<Acquired>, graph: &Graph, file: &std::path::Path) -> Result<Recipe, Fault> {
    let path = c_string(&file.to_string_lossy());
    let mut handle: Handle = null_mut();
    // SAFETY: room for one handle, and a name that ends with a zero.
    let status = unsafe { (device.runtime.synapse.functions.recipe_deserialize)(&mut handle, path.as_ptr()) };
    device.runtime.check("synRecipeDeSerialize", status)?;
    Recipe::finish(device, handle, graph)
}

/// Compiles a graph.
pub(crate) fn build(device: &Arc<Acquired>, graph: &Graph, name: &str) -> Result<Recipe, Fault> {
    let mut building = Building::new(device)?;
    let mut tensors = Vec::with_capacity(graph.tensors.len());
    let mut sections: Vec<(SlotHome, Handle)> = Vec::new();
    for (index, tensor) in graph.tensors.iter().enumerate() {
        tensors.push(building.tensor(index, tensor, &mut sections)?);
    }
    for (index, node) in graph.nodes.iter().enumerate() {
        building.node(index, node, &tensors)?;
    }
    let handle = building.compile(name)?;
    drop(building);
    Recipe::finish(device, handle, graph)
}

/// A graph of the library, given back when dropped.
struct Building<'d> {
    device: &'d Arc<Acquired>,
    handle: Handle,
}

impl<'d> Building<'d> {
    fn new(device: &'d Arc<Acquired>) -> Result<Self, Fault> {
        let mut handle: Handle = null_mut();
        // SAFETY: room for one handle.
        let status = unsafe { (device.runtime.synapse.functions.graph_create)(&mut handle, device.kind.0) };
        device.runtime.check("synGraphCreate", status)?;
        Ok(Self { device, handle })
    }

    fn tensor(
        &mut self,
        index: usize,
        tensor: &Tensor,
        sections: &mut Vec<(SlotHome, Handle)>,
    ) -> Result<Handle, Fault> {
        let (runtime, functions) = (&self.device.runtime, &self.device.runtime.synapse.functions);
        let name = c_string(&tensor.name().unwrap_or_else(|| format!("tensor{index}")));
        let mut handle: Handle = null_mut();
        // SAFETY: room for one handle, a graph, and a name that ends with a zero.
        let status = unsafe { (functions.tensor_create)(&mut handle, self.handle, 0, name.as_ptr()) };
        runtime.check("synTensorHandleCreate", status)?;
        let mut geometry = Geometry { sizes: [0; DIM_MAX], dims: tensor.shape.len() as u32 };
        geometry.sizes.iter_mut().zip(tensor.sizes()).for_each(|(place, size)| *place = size);
        // SAFETY: the struct has the interface's layout.
        runtime.check("synTensorSetGeometry", unsafe {
            (functions.tensor_geometry)(handle, &geometry, SIZES)
        })?;
        let dtype = data_type(tensor.dtype).0;
        // SAFETY: a tensor of this graph.
        let status = unsafe { (functions.tensor_data_type)(handle, dtype) };
        runtime.check("synTensorSetDeviceDataType", status)?;
        if let Home::Constant(bytes) = &tensor.home {
            // SAFETY: the library copies the bytes, which it is told to, and does not write them.
            let status = unsafe {
                (functions.tensor_host_ptr)(
                    handle,
                    bytes.as_ptr().cast_mut().cast(),
                    bytes.len() as u64,
                    dtype,
                    true,
                )
            };
            runtime.check("synTensorSetHostPtr", status)?;
        }
        if let Some(home) = slot_home(&tensor.home) {
            let (whose, offset) = match home {
                SlotHome::Input { position, offset } => (SlotHome::Input { position, offset: 0 }, offset),
                output => (output, 0),
            };
            let section = match sections.iter().find(|(known, _)| *known == whose) {
                Some((_, section)) => *section,
                None => {
                    let mut section: Handle = null_mut();
                    // SAFETY: room for one handle, and a graph.
                    let status = unsafe { (functions.section_create)(&mut section, 0, self.handle) };
                    runtime.check("synSectionCreate", status)?;
                    sections.push((whose, section));
                    section
                }
            };
            // SAFETY: a tensor and a section of this graph.
            let status = unsafe { (functions.tensor_section)(handle, section, offset as u64) };
            runtime.check("synTensorAssignToSection", status)?;
        }
        Ok(handle)
    }

    fn node(&mut self, index: usize, node: &crate::graph::Node, tensors: &[Handle]) -> Result<(), Fault> {
        let (runtime, functions) = (&self.device.runtime, &self.device.runtime.synapse.functions);
        let handle = |id: crate::graph::TensorId| tensors.get(id.0).copied().unwrap_or(null_mut());
        let inputs: Vec<Handle> = node.inputs.iter().map(|id| id.map_or(null_mut(), handle)).collect();
        let outputs: Vec<Handle> = node.outputs.iter().map(|&id| handle(id)).collect();
        let (guid, name) = (c_string(&node.guid), c_string(&format!("{}_{index}", node.guid)));
        let strings = |texts: &[&'static str]| texts.iter().map(|text| c_string(text)).collect::<Vec<_>>();
        let layouts = node.layouts.as_ref();
        let layouts = layouts.map(|layouts| (strings(&layouts.inputs), strings(&layouts.outputs)));
        let pointers = |texts: &[CString]| texts.iter().map(|text| text.as_ptr()).collect::<Vec<_>>();
        let layouts = layouts.as_ref().map(|(ins, outs)| (pointers(ins), pointers(outs)));
        let (ins, outs) =
            layouts.as_ref().map_or((null(), null()), |(ins, outs)| (ins.as_ptr(), outs.as_ptr()));
        let params = &node.params.0;
        let params = if params.is_empty() { null() } else { params.as_ptr() };
        // SAFETY: as many tensors and bytes as is said; names end with a zero and live until the call is back.
        let status = unsafe {
            (functions.node_create)(
                self.handle,
                inputs.as_ptr(),
                outputs.as_ptr(),
                inputs.len() as u32,
                outputs.len() as u32,
                params.cast(),
                node.params.0.len() as u32,
                guid.as_ptr(),
                name.as_ptr(),
                ins,
                outs,
            )
        };
        runtime.check("synNodeCreate", status).inspect_err(|_| tracing::debug!("node {}", node.guid))
    }

    fn compile(&mut self, name: &str) -> Result<Handle, Fault> {
        let mut recipe: Handle = null_mut();
        let name = c_string(name);
        // SAFETY: room for one handle, a graph, and a name that ends with a zero.
        let status = unsafe {
            (self.device.runtime.synapse.functions.graph_compile)(
                &mut recipe,
                self.handle,
                name.as_ptr(),
                null(),
            )
        };
        self.device.runtime.check("synGraphCompile", status)?;
        Ok(recipe)
    }
}

impl Drop for Building<'_> {
    fn drop(&mut self) {
        // SAFETY: a graph that nobody uses any more; its tensors and sections go with it, a recipe stays.
        let status = unsafe { (self.device.runtime.synapse.functions.graph_destroy)(self.handle) };
        if Status(status) != Status::SUCCESS {
            tracing::warn!("synGraphDestroy returned {}", Status(status));
        }
    }
}

/// A text that ends with a zero; what follows a zero in it is left out.
fn c_string(text: &str) -> CString {
    CString::new(text.split('\0').next().unwrap_or_default()).unwrap_or_default()
}
