//! A capture of the stream, and the graph that it makes.

use super::{Nesting, NodeParams, Queue};
use cudarc::driver::sys::CUgraph;
use std::ptr::{null, null_mut};
use std::str::FromStr;
use tintype_accel::{Error, Result};

/// `CU_STREAM_CAPTURE_MODE_RELAXED`: neither libraries that load code at their first call nor other threads that allocate
/// break a capture.
const RELAXED: i32 = 2;

/// Whether captured work lies within a graph of one node.
///
/// The host writes out every kernel of a graph that it launches if one of them runs in clusters of blocks, as products and
/// attention do on Hopper: 0.7 ms for a step of FLUX.1-dev. The work of a graph that a node holds is launched by the device.
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

/// What was captured. Destroyed when dropped.
pub(super) struct Template<'q> {
    queue: &'q Queue,
    pub(super) raw: CUgraph,
}

/// A graph of one node that does, at each launch, the work of the graph that it holds.
pub(super) struct Nested<'q> {
    outer: Template<'q>,
    /// The driver's, as long as the outer graph is there.
    inner: CUgraph,
    nesting: &'static Nesting,
}

/// A capture under way. Ended when dropped.
pub(super) struct Capture<'q> {
    queue: &'q Queue,
    /// The graph that holds the one that is captured.
    nested: Option<Nested<'q>>,
    open: bool,
}

impl<'q> Nested<'q> {
    pub(super) fn new(queue: &'q Queue, nesting: &'static Nesting) -> Result<Self> {
        /// `CU_GRAPH_COND_ASSIGN_DEFAULT`: at each launch the condition is what it was made with.
        const ASSIGN_DEFAULT: u32 = 1;
        /// `CU_GRAPH_NODE_TYPE_CONDITIONAL`
        const CONDITIONAL: i32 = 13;
        /// `CU_GRAPH_COND_TYPE_IF`
        const IF: i32 = 0;
        queue.enter()?;
        let (context, mut outer, mut condition) = (queue.context(), Template { queue, raw: null_mut() }, 0);
        // SAFETY: the context is current; the handle may be written.
        queue.ok(unsafe { nesting.cuGraphCreate(&mut outer.raw, 0) })?;
        // SAFETY: the graph and the context are alive; the handle may be written.
        let made = unsafe {
            nesting.cuGraphConditionalHandleCreate(&mut condition, outer.raw, context, 1, ASSIGN_DEFAULT)
        };
        queue.ok(made)?;
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
        let added =
            unsafe { nesting.cuGraphAddNode_v2(&mut node, outer.raw, null(), null(), 0, &mut params) };
        queue.ok(added)?;
        if params.made.is_null() {
            return Err(Error::Internal {
                backend: "cuda".into(),
                reason: "a node without its graph".into(),
            });
        }
        // SAFETY: the driver made an array of one graph, which is there as long as the outer one.
        let inner = unsafe { params.made.read() };
        Ok(Self { outer, inner, nesting })
    }
}

impl<'q> Capture<'q> {
    pub(super) fn begin(queue: &'q Queue, nested: Option<Nested<'q>>) -> Result<Self> {
        queue.enter()?;
        let mut capturing = queue.capturing();
        if *capturing {
            return Err(Error::Internal {
                backend: "cuda".into(),
                reason: "a capture within a capture".into(),
            });
        }
        let (api, stream) = (queue.api, queue.raw());
        queue.ok(match &nested {
            // SAFETY: stream and graph are alive, the stream captures nothing, the graph has no nodes to begin after.
            Some(Nested { inner, nesting, .. }) => unsafe {
                nesting.cuStreamBeginCaptureToGraph(stream, *inner, null(), null(), 0, RELAXED)
            },
            // SAFETY: the stream is alive and captures nothing.
            None => unsafe { api.cuStreamBeginCapture_v2(stream, RELAXED) },
        })?;
        *capturing = true;
        drop(capturing);
        Ok(Self { queue, nested, open: true })
    }

    pub(super) fn end(mut self) -> Result<Template<'q>> {
        self.close()
    }

    fn close(&mut self) -> Result<Template<'q>> {
        let (queue, api) = (self.queue, self.queue.api);
        let mut capturing = queue.capturing();
        let entered = queue.enter();
        let mut raw = null_mut();
        // SAFETY: the stream is alive; the handle may be written.
        let mut ended = unsafe { api.cuStreamEndCapture(queue.raw(), &mut raw) };
        if ended.is_err() && is_capturing(queue) {
            // A stream that goes on capturing would refuse everything from now on.
            let first = ended;
            // SAFETY: as above.
            ended = unsafe { api.cuStreamEndCapture(queue.raw(), &mut raw) }.and(first);
        }
        // A graph that another holds goes with that one.
        let template = self.nested.take().map_or(Template { queue, raw }, |nested| nested.outer);
        *capturing = false;
        self.open = false;
        drop(capturing);
        entered?;
        queue.ok(ended)?;
        Ok(template)
    }
}

/// Whether the stream is capturing, as far as the driver tells.
fn is_capturing(queue: &Queue) -> bool {
    let mut status = 0;
    // SAFETY: the stream is alive; the number may be written.
    unsafe { queue.api.cuStreamIsCapturing(queue.raw(), &mut status) }.is_ok() && status != 0
}

impl Drop for Capture<'_> {
    fn drop(&mut self) {
        if self.open {
            // Whatever was captured is dropped; what led here is told by whoever did.
            let _ = self.close();
        }
    }
}

impl Drop for Template<'_> {
    fn drop(&mut self) {
        if !self.raw.is_null() {
            // SAFETY: made once, destroyed once.
            let _ = unsafe { self.queue.api.cuGraphDestroy(self.raw) };
        }
    }
}
