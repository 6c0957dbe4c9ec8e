//! Streams.

use super::api;
use crate::abi::{Status, fault};
use crate::guard::put;
use crate::state::{Handle, state};
use crate::stream::{Job, Stream};

api! {
    fn synStreamCreateGeneric(out: *mut Handle, id: u32, flags: u32) |facts| {
        put(out, 0)?;
        let mut state = state();
        state.device(id)?;
        if flags != 0 {
            return fault(Status::INVALID_ARGUMENT, format!("flags {flags}, only 0 is taken"));
        }
        let stream = Stream::start()?;
        let handle = state.handle();
        state.streams.insert(handle, stream);
        *facts = format!("stream={handle:#x}");
        put(out, handle)
    }

    fn synStreamDestroy(stream: Handle) |facts| {
        *facts = format!("stream={stream:#x}");
        let kept = state().stream(stream)?;
        if kept.query().is_err_and(|why| why.status == Status::BUSY) {
            // The reference says nothing of it; work that nobody waited for is most likely a mistake.
            crate::misuse::note(format!("stream {stream:#x} destroyed with work going on"));
            return fault(Status::BUSY, "the stream has work");
        }
        state().streams.remove(&stream);
        kept.close();
        Ok(())
    }

    fn synStreamWaitEvent(stream: Handle, event: Handle, flags: u32) |facts| {
        *facts = format!("stream={stream:#x} event={event:#x}");
        if flags != 0 {
            return fault(Status::INVALID_ARGUMENT, format!("flags {flags}, only 0 is taken"));
        }
        let (stream, event) = {
            let state = state();
            (state.stream(stream)?, state.event(event)?)
        };
        // A record that was never asked for is number 0, reached from the start.
        let number = event.current();
        stream.push(Job::Wait(event, number));
        Ok(())
    }

    fn synStreamSynchronize(stream: Handle) |facts| {
        *facts = format!("stream={stream:#x}");
        let stream = state().stream(stream)?;
        stream.synchronize()
    }

    fn synStreamQuery(stream: Handle) |facts| {
        *facts = format!("stream={stream:#x}");
        let stream = state().stream(stream)?;
        stream.query()
    }

    fn synStreamSetAffinity(id: u32, stream: Handle, mask: u64) |_facts| {
        let mut state = state();
        state.device(id)?;
        state.stream(stream)?.affinity(Some(mask)).map(drop)
    }

    fn synStreamGetAffinity(id: u32, stream: Handle, mask: *mut u64) |_facts| {
        let mut state = state();
        state.device(id)?;
        put(mask, state.stream(stream)?.affinity(None)?)
    }

    fn synDeviceGetAffinityMaskRange(id: u32, range: *mut u64) |_facts| {
        state().device(id)?;
        put(range, 1)
    }

    fn synDeviceGetNextStreamAffinity(id: u32, next: *mut u64) |_facts| {
        state().device(id)?;
        put(next, 1)
    }
}
