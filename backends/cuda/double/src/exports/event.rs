//! Events.

use crate::abi::{Answer, Handle, Out};
use crate::book::Kind;
use crate::state::Double;
use crate::status::{INVALID_VALUE, refuse};
use crate::stream::Event;

fn elapsed(d: &mut Double, milliseconds: Out<f32>, start: Handle, end: Handle) -> Answer {
    let time = d.elapsed(start, end)?;
    milliseconds.put(time)
}

crate::exports! {
    fn cuEventCreate(event: Out<Handle>, flags: u32) {
        facts: |ok| format!("flags={flags} {}", event.shown(ok, "event")),
        track: |d| d.book.add(Kind::Event, event.get(), 0),
        emulate: |d| {
            Double::flags(flags, 3)?;
            let context = d.current()?;
            let handle = d.new_handle();
            d.events.insert(handle, Event { context, flags, ..Event::default() });
            event.put(handle)
        },
    }

    fn cuEventDestroy_v2(event: Handle) {
        facts: |ok| format!("event={event:#x}"),
        track: |d| d.book.remove(Kind::Event, event),
        emulate: |d| { d.event(event)?; d.events.remove(&event); Ok(()) },
    }

    fn cuEventRecord(event: Handle, stream: Handle) {
        stream: stream,
        facts: |ok| format!("event={event:#x}"),
        emulate: |d| d.record(event, stream),
    }

    fn cuEventRecordWithFlags(event: Handle, stream: Handle, flags: u32) {
        stream: stream,
        facts: |ok| format!("event={event:#x} flags={flags}"),
        emulate: |d| {
            if flags != 0 {
                return refuse(INVALID_VALUE, "the double records no external events");
            }
            d.record(event, stream)
        },
    }

    fn cuEventQuery(event: Handle) {
        facts: |ok| format!("event={event:#x}"),
        emulate: |d| d.query_event(event),
    }

    fn cuEventSynchronize(event: Handle) {
        facts: |ok| format!("event={event:#x}"),
        emulate: |d| d.synchronize_event(event),
    }

    fn cuEventElapsedTime(milliseconds: Out<f32>, start: Handle, end: Handle) {
        emulate: |d| elapsed(d, milliseconds, start, end),
    }

    fn cuEventElapsedTime_v2(milliseconds: Out<f32>, start: Handle, end: Handle) {
        emulate: |d| elapsed(d, milliseconds, start, end),
    }
}
