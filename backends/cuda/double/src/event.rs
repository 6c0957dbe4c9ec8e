//! Events: recorded, waited for, and carried into captures.

use std::sync::{Arc, OnceLock};

use crate::abi::{Answer, Handle};
use crate::state::Double;
use crate::status::*;
use crate::stream::{Op, Record};

impl Double {
    /// Records an event in a stream.
    pub fn record(&mut self, event: Handle, stream: Handle) -> Answer {
        let context = self.event(event)?.context;
        let key = self.enqueueable(stream)?;
        if self.streams[&key].context != context {
            return refuse(INVALID_HANDLE, "the event and the stream are of different contexts");
        }
        if let Some(handle) = self.streams[&key].capture {
            let Some(capture) = self.captures.get(&handle) else {
                return refuse(ILLEGAL_STATE, "no such capture");
            };
            if capture.invalid {
                return refuse(STREAM_CAPTURE_INVALIDATED, "the capture is invalid already");
            }
            let tail = capture.tails.get(&key).cloned().unwrap_or_default();
            self.event(event)?.captured = Some((handle, tail));
            return Ok(());
        }
        let record = Arc::new(Record { stream: key, sequence: self.sequence + 1, reached: OnceLock::new() });
        self.enqueue(stream, Op::Record(record.clone()))?;
        let event = self.event(event)?;
        event.record = Some(record);
        event.captured = None;
        Ok(())
    }

    /// Makes a stream wait for an event, or joins it to the event's capture.
    pub fn wait(&mut self, stream: Handle, event: Handle) -> Answer {
        let key = self.enqueueable(stream)?;
        let (record, captured) = {
            let event = self.event(event)?;
            (event.record.clone(), event.captured.clone())
        };
        let own = self.streams[&key].capture;
        match (own, captured) {
            (_, Some((handle, nodes))) => {
                if !self.captures.contains_key(&handle) {
                    return refuse(CAPTURED_EVENT, "the event was recorded in a capture that has ended");
                }
                if own.is_some_and(|own| own != handle) {
                    self.invalidate(key);
                    return refuse(STREAM_CAPTURE_MERGE, "the event belongs to another capture");
                }
                if self.streams[&key].legacy {
                    return refuse(STREAM_CAPTURE_IMPLICIT, "the default stream cannot join a capture");
                }
                self.set_capture(key, Some(handle));
                if let Some(capture) = self.captures.get_mut(&handle) {
                    let tail = capture.tails.entry(key).or_default();
                    tail.extend(nodes);
                    tail.sort_unstable();
                    tail.dedup();
                }
                Ok(())
            }
            (Some(_), None) => {
                self.invalidate(key);
                refuse(STREAM_CAPTURE_ISOLATION, "a capture cannot wait for an event from outside of it")
            }
            (None, None) => match record {
                Some(record) => self.enqueue(stream, Op::Wait(record)),
                // An event that was never recorded is complete.
                None => Ok(()),
            },
        }
    }

    /// Whether an event was reached. One that was not is reached by the time of the next question.
    pub fn query_event(&mut self, event: Handle) -> Answer {
        let Some(record) = self.outside_capture(event)? else { return Ok(()) };
        if record.reached.get().is_some() {
            return self.surface();
        }
        self.drain(record.stream, record.sequence);
        self.surface()?;
        refuse(NOT_READY, "")
    }

    /// Waits for an event.
    pub fn synchronize_event(&mut self, event: Handle) -> Answer {
        if let Some(record) = self.outside_capture(event)? {
            self.drain(record.stream, record.sequence);
        }
        self.surface()
    }

    fn outside_capture(&mut self, event: Handle) -> Answer<Option<Arc<Record>>> {
        let found = self.event(event)?;
        match (&found.captured, found.record.clone()) {
            (Some((handle, _)), _) => {
                let handle = *handle;
                if let Some(capture) = self.captures.get_mut(&handle) {
                    capture.invalid = true;
                }
                refuse(CAPTURED_EVENT, "the event was last recorded in a capture")
            }
            (None, record) => Ok(record),
        }
    }

    /// Milliseconds between two events.
    pub fn elapsed(&mut self, start: Handle, end: Handle) -> Answer<f32> {
        let mut times = Vec::new();
        for event in [start, end] {
            if self.event(event)?.flags & 2 != 0 {
                return refuse(INVALID_HANDLE, format!("event {event:#x} takes no time"));
            }
            let Some(record) = self.outside_capture(event)? else {
                return refuse(INVALID_HANDLE, format!("event {event:#x} was never recorded"));
            };
            match record.reached.get() {
                Some(time) => times.push(*time),
                None => return refuse(NOT_READY, format!("event {event:#x} was not reached")),
            }
        }
        let forth = times[1].saturating_duration_since(times[0]);
        let back = times[0].saturating_duration_since(times[1]);
        Ok((forth.as_secs_f64() - back.as_secs_f64()) as f32 * 1e3)
    }
}
