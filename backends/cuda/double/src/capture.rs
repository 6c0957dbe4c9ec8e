//! Stream capture: which streams are in it, what was recorded, what it forbids.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::thread::ThreadId;

use crate::abi::{Answer, Handle};
use crate::state::Double;
use crate::status::*;
use crate::stream::Op;
use crate::thread;

/// Threads' and captures' modes.
pub const RELAXED: u32 = 2;

/// One capture.
#[derive(Debug)]
pub struct Capture {
    /// The stream it began in and must end in.
    pub origin: Handle,
    /// 0 global, 1 thread-local, 2 relaxed.
    pub mode: u32,
    /// The thread that began it.
    pub thread: ThreadId,
    /// Whether something forbidden spoilt it.
    pub invalid: bool,
    /// The graph it makes.
    pub graph: Handle,
    /// What was recorded.
    pub nodes: Vec<Node>,
    /// The nodes that the next node of each stream comes after.
    pub tails: BTreeMap<Handle, Vec<Handle>>,
}

/// One node of a graph, with copies of its parameters.
#[derive(Debug, Clone)]
pub struct Node {
    /// Its handle.
    pub handle: Handle,
    /// What it does.
    pub op: Op,
    /// What it comes after.
    pub after: Vec<Handle>,
}

/// A graph.
#[derive(Debug, Default)]
pub struct Graph {
    /// Its nodes in the order in which they were recorded, which respects their edges.
    pub nodes: Vec<Node>,
}

/// An executable graph.
#[derive(Debug)]
pub struct Exec {
    /// Its work in order.
    pub ops: Arc<[Op]>,
    /// Kind of each node, to hold updates against.
    pub kinds: Vec<u32>,
}

impl Double {
    /// `idle`, `capturing`, `invalidated` or `unknown`.
    pub fn capture_word(&mut self, stream: Handle) -> &'static str {
        match self.resolve(stream).map(|key| self.streams[&key].capture.and_then(|c| self.captures.get(&c))) {
            Err(_) => "unknown",
            Ok(None) => "idle",
            Ok(Some(capture)) if capture.invalid => "invalidated",
            Ok(Some(_)) => "capturing",
        }
    }

    /// The capture that a stream is in.
    pub fn capture_of(&self, key: Handle) -> Option<&Capture> {
        self.captures.get(&self.streams.get(&key)?.capture?)
    }

    /// Begins a capture, of a new graph or into one that is there and empty.
    pub fn begin_capture(&mut self, stream: Handle, into: Option<Handle>, mode: u32) -> Answer {
        let key = self.enqueueable(stream)?;
        if mode > RELAXED {
            return refuse(INVALID_VALUE, format!("capture mode {mode}"));
        }
        if self.streams[&key].legacy {
            return refuse(STREAM_CAPTURE_UNSUPPORTED, "the default stream cannot be captured");
        }
        if self.streams[&key].capture.is_some() {
            self.invalidate(key);
            return refuse(ILLEGAL_STATE, "the stream is being captured already");
        }
        if let Some(graph) = into
            && !self.graph(graph)?.nodes.is_empty()
        {
            return refuse(NOT_SUPPORTED, "a capture into a graph that has nodes");
        }
        let (handle, graph) = (self.new_handle(), into.unwrap_or_else(|| self.new_handle()));
        let tails = BTreeMap::from([(key, Vec::new())]);
        let thread = std::thread::current().id();
        self.captures.insert(
            handle,
            Capture { origin: key, mode, thread, invalid: false, graph, nodes: Vec::new(), tails },
        );
        self.set_capture(key, Some(handle));
        Ok(())
    }

    /// Ends a capture and gives its graph.
    pub fn end_capture(&mut self, stream: Handle) -> Answer<Handle> {
        let key = self.resolve(stream)?;
        let Some(handle) = self.streams[&key].capture else {
            return refuse(ILLEGAL_STATE, "the stream is not being captured");
        };
        let Some(capture) = self.captures.get(&handle) else {
            return refuse(ILLEGAL_STATE, "no such capture");
        };
        if capture.origin != key {
            self.invalidate(key);
            return refuse(STREAM_CAPTURE_UNMATCHED, "the capture began in another stream");
        }
        if capture.mode != RELAXED && capture.thread != std::thread::current().id() {
            self.invalidate(key);
            return refuse(STREAM_CAPTURE_WRONG_THREAD, "the capture began on another thread");
        }
        let unjoined = self.unjoined(handle);
        let Some(capture) = self.captures.remove(&handle) else {
            return refuse(ILLEGAL_STATE, "no such capture");
        };
        for stream in self.streams.values_mut().filter(|stream| stream.capture == Some(handle)) {
            stream.capture = None;
        }
        if capture.invalid {
            return refuse(STREAM_CAPTURE_INVALIDATED, "something forbidden happened during the capture");
        }
        if let Some(other) = unjoined {
            return refuse(STREAM_CAPTURE_UNJOINED, format!("stream {other:#x} was not joined to the first"));
        }
        self.note(format!("nodes={}", capture.nodes.len()));
        self.graphs.insert(capture.graph, Graph { nodes: capture.nodes });
        Ok(capture.graph)
    }

    /// A stream whose last node does not come before the origin's last.
    fn unjoined(&self, handle: Handle) -> Option<Handle> {
        let capture = self.captures.get(&handle)?;
        let by_handle: BTreeMap<Handle, &Node> =
            capture.nodes.iter().map(|node| (node.handle, node)).collect();
        let mut reached = std::collections::BTreeSet::new();
        let mut pending = capture.tails.get(&capture.origin)?.clone();
        while let Some(node) = pending.pop() {
            if reached.insert(node) {
                pending.extend(by_handle.get(&node).map(|node| node.after.clone()).unwrap_or_default());
            }
        }
        let loose = capture.tails.iter().find(|(_, tail)| tail.iter().any(|node| !reached.contains(node)));
        loose.map(|(stream, _)| *stream)
    }

    /// Records work as a node instead of doing it.
    pub fn capture_op(&mut self, key: Handle, op: Op) -> Answer {
        let node = self.new_handle();
        let Some(capture) = self.streams[&key].capture.and_then(|handle| self.captures.get_mut(&handle))
        else {
            return refuse(ILLEGAL_STATE, "no such capture");
        };
        if capture.invalid {
            return refuse(STREAM_CAPTURE_INVALIDATED, "the capture is invalid already");
        }
        let after = capture.tails.insert(key, vec![node]).unwrap_or_default();
        capture.nodes.push(Node { handle: node, op, after });
        Ok(())
    }

    /// Marks the capture of a stream as spoilt.
    pub fn invalidate(&mut self, key: Handle) {
        if let Some(handle) = self.streams.get(&key).and_then(|stream| stream.capture)
            && let Some(capture) = self.captures.get_mut(&handle)
        {
            capture.invalid = true;
        }
    }

    /// Refuses a call that this thread may not make while captures are under way, and spoils those.
    pub fn refuse_in_capture(&mut self) -> Answer {
        let (mine, mode) = (std::thread::current().id(), thread::capture_mode());
        let mut hit = false;
        for capture in self.captures.values_mut() {
            let own = capture.thread == mine && capture.mode != RELAXED;
            if mode != RELAXED && (own || (mode == 0 && capture.mode == 0)) {
                capture.invalid = true;
                hit = true;
            }
        }
        if hit {
            refuse(STREAM_CAPTURE_UNSUPPORTED, "not allowed while a capture is under way")
        } else {
            Ok(())
        }
    }

    /// Refuses to wait for a stream that is being captured.
    pub fn refuse_wait(&mut self, key: Handle) -> Answer {
        if self.streams[&key].legacy {
            let context = self.streams[&key].context;
            return self.refuse_implicit(context);
        }
        if self.capture_of(key).is_none() {
            return Ok(());
        }
        self.invalidate(key);
        refuse(STREAM_CAPTURE_UNSUPPORTED, "nothing can wait for a stream that is being captured")
    }

    /// Refuses the default stream while a stream that waits for it is being captured.
    pub fn refuse_implicit(&mut self, context: Handle) -> Answer {
        let captured = self.streams_of(context).into_iter().find(|key| {
            let stream = &self.streams[key];
            stream.flags & 1 == 0 && stream.capture.is_some()
        });
        let Some(key) = captured else { return Ok(()) };
        self.invalidate(key);
        refuse(STREAM_CAPTURE_IMPLICIT, "the default stream would wait for a stream that is being captured")
    }

    /// Refuses to make or free memory inside a capture. The vendor makes nodes of them; whoever replays a graph
    /// then owns addresses that no plan knows.
    pub fn refuse_memory_nodes(&mut self, stream: Handle) -> Answer {
        let key = self.enqueueable(stream)?;
        if self.capture_of(key).is_none() {
            return Ok(());
        }
        self.invalidate(key);
        refuse(STREAM_CAPTURE_UNSUPPORTED, "memory comes and goes outside of captures")
    }

    /// Puts a stream into a capture or takes it out.
    pub fn set_capture(&mut self, key: Handle, capture: Option<Handle>) {
        if let Some(stream) = self.streams.get_mut(&key) {
            stream.capture = capture;
        }
    }
}
