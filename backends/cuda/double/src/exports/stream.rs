//! Streams and their captures.

use crate::abi::{Handle, HostFunction, In, Out};
use crate::book::Kind;
use crate::state::Double;
use crate::status::{INVALID_VALUE, NOT_READY, NOT_SUPPORTED, refuse};
use crate::stream::{Op, Stream};
use crate::thread::{self, HostCall};

fn make(d: &mut Double, stream: Out<Handle>, flags: u32, priority: i32) -> crate::abi::Answer {
    Double::flags(flags, 1)?;
    let context = d.current()?;
    let handle = d.new_handle();
    stream.put(handle)?;
    let priority = priority.clamp(-5, 0);
    d.streams.insert(handle, Stream { context, flags, priority, ..Stream::default() });
    Ok(())
}

/// Status, number and graph of the capture that a stream is in; and what its next node comes after.
fn capture_info(
    d: &mut Double,
    stream: Handle,
    (status, id, graph): (Out<u32>, Out<u64>, Out<Handle>),
    (nodes, count): (Out<u64>, Out<u64>),
) -> crate::abi::Answer {
    let key = d.resolve(stream)?;
    if d.streams[&key].legacy {
        let context = d.streams[&key].context;
        d.refuse_implicit(context)?;
    }
    let Some(capture) = d.capture_of(key) else {
        return status.put(0);
    };
    status.put(if capture.invalid { 2 } else { 1 })?;
    id.put_if(d.streams[&key].capture.unwrap_or(0));
    graph.put_if(capture.graph);
    let tail = capture.tails.get(&key).map_or(&[][..], Vec::as_slice);
    // Lent until the capture goes on, as the interface says.
    nodes.put_if(tail.as_ptr() as u64);
    count.put_if(tail.len() as u64);
    Ok(())
}

crate::exports! {
    fn cuStreamCreate(stream: Out<Handle>, flags: u32) {
        facts: |ok| format!("flags={flags} {}", stream.shown(ok, "made")),
        track: |d| d.book.add(Kind::Stream, stream.get(), 0),
        emulate: |d| make(d, stream, flags, 0),
    }

    fn cuStreamCreateWithPriority(stream: Out<Handle>, flags: u32, priority: i32) {
        facts: |ok| format!("flags={flags} priority={priority} {}", stream.shown(ok, "made")),
        track: |d| d.book.add(Kind::Stream, stream.get(), 0),
        emulate: |d| make(d, stream, flags, priority),
    }

    /// Work that still waits is done; a capture in it is spoilt.
    fn cuStreamDestroy_v2(stream: Handle) {
        stream: stream,
        track: |d| d.book.remove(Kind::Stream, stream),
        emulate: |d| {
            if stream <= 2 {
                return refuse(INVALID_VALUE, "the default streams stay");
            }
            let key = d.resolve(stream)?;
            let waiting = d.streams[&key].queue.len();
            if waiting > 0 {
                d.note(format!("waiting={waiting}"));
            }
            d.invalidate(key);
            d.drain(key, u64::MAX);
            d.streams.remove(&key);
            Ok(())
        },
    }

    fn cuStreamSynchronize(stream: Handle) {
        stream: stream,
        emulate: |d| d.synchronize(stream),
    }

    /// Work that waits is "not ready" at the first question, and done by the next.
    fn cuStreamQuery(stream: Handle) {
        stream: stream,
        emulate: |d| {
            let key = d.resolve(stream)?;
            d.refuse_wait(key)?;
            let waited = !d.streams[&key].queue.is_empty();
            d.drain(key, u64::MAX);
            d.surface()?;
            if waited { refuse(NOT_READY, "") } else { Ok(()) }
        },
    }

    fn cuStreamGetCtx(stream: Handle, context: Out<Handle>) {
        emulate: |d| { let key = d.resolve(stream)?; context.put(d.streams[&key].context) },
    }

    fn cuStreamGetFlags(stream: Handle, flags: Out<u32>) {
        emulate: |d| { let key = d.resolve(stream)?; flags.put(d.streams[&key].flags) },
    }

    fn cuStreamGetPriority(stream: Handle, priority: Out<i32>) {
        emulate: |d| { let key = d.resolve(stream)?; priority.put(d.streams[&key].priority) },
    }

    fn cuStreamGetId(stream: Handle, id: Out<u64>) {
        emulate: |d| { let key = d.resolve(stream)?; id.put(key) },
    }

    fn cuStreamWaitEvent(stream: Handle, event: Handle, flags: u32) {
        stream: stream,
        facts: |ok| format!("event={event:#x}"),
        emulate: |d| {
            if flags != 0 {
                return refuse(INVALID_VALUE, format!("flags {flags:#x}"));
            }
            d.wait(stream, event)
        },
    }

    fn cuLaunchHostFunc(stream: Handle, function: HostFunction, data: u64) {
        stream: stream,
        emulate: |d| match function {
            Some(function) => {
                let call = HostCall { function: function as usize, data: data as usize };
                d.enqueue(stream, Op::Host(call))
            }
            None => refuse(INVALID_VALUE, "no host function"),
        },
    }

    fn cuStreamBeginCapture_v2(stream: Handle, mode: u32) {
        stream: stream,
        facts: |ok| format!("mode={mode}"),
        emulate: |d| d.begin_capture(stream, None, mode),
    }

    fn cuStreamBeginCaptureToGraph(
        stream: Handle, graph: Handle, after: In<Handle>, edges: u64, count: u64, mode: u32,
    ) {
        stream: stream,
        facts: |ok| format!("graph={graph:#x} mode={mode}"),
        emulate: |d| {
            if count != 0 {
                return refuse(NOT_SUPPORTED, "a capture that begins after nodes");
            }
            d.begin_capture(stream, Some(graph), mode)
        },
    }

    fn cuStreamEndCapture(stream: Handle, graph: Out<Handle>) {
        stream: stream,
        facts: |ok| graph.shown(ok, "graph"),
        track: |d| {
            // A graph that a node holds goes with that node.
            if !graph.get().is_some_and(|graph| d.bodies.contains_key(&graph)) {
                d.book.add(Kind::Graph, graph.get(), 0);
            }
        },
        emulate: |d| {
            graph.put(0)?;
            let made = d.end_capture(stream)?;
            graph.put(made)
        },
    }

    fn cuStreamIsCapturing(stream: Handle, status: Out<u32>) {
        stream: stream,
        emulate: |d| capture_info(d, stream, (status, Out::none(), Out::none()), (Out::none(), Out::none())),
    }

    fn cuStreamGetCaptureInfo_v2(
        stream: Handle, status: Out<u32>, id: Out<u64>, graph: Out<Handle>, nodes: Out<u64>, count: Out<u64>,
    ) {
        stream: stream,
        emulate: |d| capture_info(d, stream, (status, id, graph), (nodes, count)),
    }

    fn cuStreamGetCaptureInfo_v3(
        stream: Handle, status: Out<u32>, id: Out<u64>, graph: Out<Handle>, nodes: Out<u64>, edges: Out<u64>,
        count: Out<u64>,
    ) {
        stream: stream,
        emulate: |d| {
            edges.put_if(0);
            capture_info(d, stream, (status, id, graph), (nodes, count))
        },
    }

    fn cuThreadExchangeStreamCaptureMode(mode: Out<u32>) {
        emulate: |d| match mode.get() {
            Some(asked) if asked <= 2 => mode.put(thread::exchange_capture_mode(asked)),
            _ => refuse(INVALID_VALUE, "no capture mode"),
        },
    }
}
