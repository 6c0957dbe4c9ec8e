//! Events.

use std::sync::Arc;

use super::api;
use crate::abi::{COLLECT_TIME, Status, fault};
use crate::event::Event;
use crate::guard::put;
use crate::state::{Handle, state};
use crate::stream::Job;

api! {
    fn synEventCreate(out: *mut Handle, id: u32, flags: u32) |facts| {
        put(out, 0)?;
        let mut state = state();
        state.device(id)?;
        if flags > COLLECT_TIME {
            return fault(Status::INVALID_ARGUMENT, format!("flags {flags}: 0 or 1 are taken"));
        }
        let handle = state.handle();
        state.events.insert(handle, Arc::new(Event::new(flags == COLLECT_TIME)));
        *facts = format!("event={handle:#x}");
        put(out, handle)
    }

    fn synEventDestroy(event: Handle) |facts| {
        *facts = format!("event={event:#x}");
        let mut state = state();
        state.event(event)?;
        state.events.remove(&event);
        Ok(())
    }

    fn synEventRecord(event: Handle, stream: Handle) |facts| {
        *facts = format!("event={event:#x} stream={stream:#x}");
        let (event, stream) = {
            let state = state();
            (state.event(event)?, state.stream(stream)?)
        };
        let number = event.record();
        stream.push(Job::Record(event, number));
        Ok(())
    }

    fn synEventQuery(event: Handle) |facts| {
        *facts = format!("event={event:#x}");
        let event = state().event(event)?;
        event.query()
    }

    fn synEventSynchronize(event: Handle) |facts| {
        *facts = format!("event={event:#x}");
        let event = state().event(event)?;
        event.wait(event.current())
    }

    fn synEventElapsedTime(nanoseconds: *mut u64, start: Handle, end: Handle) |facts| {
        *facts = format!("start={start:#x} end={end:#x}");
        let start = state().event(start)?;
        if end == 0 {
            return put(nanoseconds, start.time()?);
        }
        let end = state().event(end)?;
        put(nanoseconds, end.time()?.saturating_sub(start.time()?))
    }
}
