//! A graph as a recipe of the library.

use super::handle::{Recipe, SlotHome, c_string, slot_home};
use crate::device::Acquired;
use crate::fault::Fault;
use crate::graph::{Graph, Home, Tensor, data_type};
use crate::sys::{DIM_MAX, Geometry, Handle, Status};
use std::ffi::CString;
use std::ptr::{null, null_mut};
use std::sync::Arc;

/// `synGeometryType`: sizes that do not change.
const SIZES: i32 = 1;

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
