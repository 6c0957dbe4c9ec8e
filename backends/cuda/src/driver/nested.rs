//! Captured work within a graph of one node.

use super::{Nesting, NodeParams};
use cudarc::driver::sys::{CUcontext, CUgraph};
use std::ffi::c_int;
use std::ptr::{null, null_mut};
use std::str::FromStr;
use tintype_gpu::driver::{Api, Handle, Outer, Status};

/// Whether captured work lies within a graph of one node.
///
/// With products of cuBLASLt and attention of cuDNN in it, a graph takes the host about a microsecond a node to launch on
/// Hopper, 0.7 ms for a step of FLUX.1-dev; with plain kernels next to nothing. The work of a graph that a node holds is
/// launched by the device.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Nest {
    /// Never.
    Off,
    /// Where the driver can: from CUDA 12.4 on.
    #[default]
    On,
}

impl FromStr for Nest {
    type Err = String;

    fn from_str(text: &str) -> std::result::Result<Self, String> {
        match text {
            "off" => Ok(Nest::Off),
            "on" => Ok(Nest::On),
            _ => Err(format!("`{text}` is no way to launch graphs; there are off, on")),
        }
    }
}

/// A graph of one node that does, at each launch, the work of the graph that it holds. Destroyed when dropped.
pub(super) struct Nested {
    api: &'static Api,
    nesting: &'static Nesting,
    outer: CUgraph,
    /// The driver's, as long as the outer graph is there.
    inner: CUgraph,
}

impl Nested {
    /// The context is current.
    pub(super) fn new(
        api: &'static Api,
        nesting: &'static Nesting,
        context: CUcontext,
    ) -> Result<Self, Status> {
        /// `CU_GRAPH_COND_ASSIGN_DEFAULT`: at each launch the condition is what it was made with.
        const ASSIGN_DEFAULT: u32 = 1;
        /// `CU_GRAPH_NODE_TYPE_CONDITIONAL`
        const CONDITIONAL: i32 = 13;
        /// `CU_GRAPH_COND_TYPE_IF`
        const IF: i32 = 0;
        let (mut nested, mut condition) = (Self { api, nesting, outer: null_mut(), inner: null_mut() }, 0);
        // SAFETY: the context is current; the handle may be written.
        unsafe { nesting.cuGraphCreate(&mut nested.outer, 0) }?;
        // SAFETY: the graph and the context are alive; the handle may be written.
        unsafe {
            nesting.cuGraphConditionalHandleCreate(&mut condition, nested.outer, context, 1, ASSIGN_DEFAULT)
        }?;
        let mut params = NodeParams {
            kind: CONDITIONAL,
            reserved: [0; 3],
            condition,
            asks: IF,
            graphs: 1,
            made: null(),
            context,
            rest: [0; 26],
        };
        let mut node = null_mut();
        // SAFETY: the graph and the condition are alive, no node comes before; node and parameters may be written.
        unsafe { nesting.cuGraphAddNode_v2(&mut node, nested.outer, null(), null(), 0, &mut params) }?;
        if params.made.is_null() {
            /// `CUDA_ERROR_UNKNOWN`: a node without its graph.
            const UNKNOWN: i32 = 999;
            return Err(Status { call: "cuGraphAddNode_v2", code: UNKNOWN });
        }
        // SAFETY: the driver made an array of one graph, which is there as long as the outer one.
        nested.inner = unsafe { params.made.read() };
        Ok(nested)
    }
}

impl Outer for Nested {
    fn graph(&self) -> Handle {
        self.outer.cast()
    }

    fn begin(&self, stream: Handle, mode: c_int) -> Result<(), Status> {
        // SAFETY: stream and graph are alive, the stream captures nothing, the graph has no nodes to begin after.
        unsafe { self.nesting.cuStreamBeginCaptureToGraph(stream, self.inner, null(), null(), 0, mode) }
    }
}

impl Drop for Nested {
    fn drop(&mut self) {
        if !self.outer.is_null() {
            // SAFETY: made once, destroyed once.
            let _ = unsafe { self.api.graph_destroy(self.outer.cast()) };
        }
    }
}
