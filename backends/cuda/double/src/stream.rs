//! Streams and events. Work waits in its stream until something needs it done: a program that reads a
//! result too early, or frees what is still in use, is caught every time and not once in a hundred runs.

use std::collections::VecDeque;
use std::sync::{Arc, OnceLock};
use std::time::Instant;

use crate::abi::{Answer, DevicePtr, Handle};
use crate::state::Double;
use crate::status::{INVALID_HANDLE, INVALID_VALUE, refuse};
use crate::thread;

/// One stream.
#[derive(Debug, Default)]
pub struct Stream {
    /// Its context.
    pub context: Handle,
    /// 1: does not wait for the default stream.
    pub flags: u32,
    /// Priority; lower runs first.
    pub priority: i32,
    /// Whether it is a context's legacy default stream.
    pub legacy: bool,
    /// The capture that it is in.
    pub capture: Option<Handle>,
    /// Work that was not done yet, each with its place in the order of enqueueing.
    pub queue: VecDeque<(u64, Op)>,
}

/// Work of a stream.
#[derive(Debug, Clone)]
pub enum Op {
    /// Moves bytes.
    Copy {
        /// Where to.
        to: Place,
        /// Where from.
        from: Place,
        /// How many.
        bytes: u64,
    },
    /// Repeats one, two or four bytes.
    Set {
        /// Where to.
        to: DevicePtr,
        /// The bytes.
        pattern: Vec<u8>,
        /// How often.
        count: u64,
    },
    /// A kernel: computes nothing, but what it was given must be there.
    Kernel {
        /// The function.
        function: Handle,
        /// The bytes of its parameters, one after the other.
        parameters: Vec<u8>,
        /// Device addresses among them.
        addresses: Vec<DevicePtr>,
    },
    /// A host function.
    Host(thread::HostCall),
    /// An event is reached.
    Record(Arc<Record>),
    /// An event is waited for.
    Wait(Arc<Record>),
    /// Memory comes to be.
    Allocate(DevicePtr),
    /// Memory goes.
    Free(DevicePtr),
    /// An executable graph's work.
    Graph(Arc<[Op]>),
    /// The work of another graph, which a node of this one holds and does if its condition holds.
    If(Handle),
}

/// One side of a copy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// Device memory.
    Device(DevicePtr),
    /// Host memory.
    Host(u64),
}

/// One recording of an event.
#[derive(Debug)]
pub struct Record {
    /// The stream.
    pub stream: Handle,
    /// Its place in the order of enqueueing.
    pub sequence: u64,
    /// When the stream got there.
    pub reached: OnceLock<Instant>,
}

/// One event.
#[derive(Debug, Default)]
pub struct Event {
    /// Its context.
    pub context: Handle,
    /// 2: takes no time.
    pub flags: u32,
    /// Its last recording.
    pub record: Option<Arc<Record>>,
    /// Its last recording inside a capture: the capture, and the nodes it stands after.
    pub captured: Option<(Handle, Vec<Handle>)>,
}

impl Double {
    /// The stream's key: the default streams are known by their context.
    pub fn resolve(&mut self, stream: Handle) -> Answer<Handle> {
        if stream > 2 {
            return if self.streams.contains_key(&stream) {
                Ok(stream)
            } else {
                refuse(INVALID_HANDLE, format!("stream {stream:#x} is not alive"))
            };
        }
        let context = self.current()?;
        let legacy = stream < 2;
        let key = context + if legacy { 1 } else { 2 };
        self.streams.entry(key).or_insert_with(|| Stream { context, legacy, ..Stream::default() });
        Ok(key)
    }

    /// A stream that work may be put into from this thread.
    pub fn enqueueable(&mut self, stream: Handle) -> Answer<Handle> {
        let current = self.current()?;
        let key = self.resolve(stream)?;
        if self.streams[&key].context != current {
            return refuse(INVALID_HANDLE, format!("stream {stream:#x} is of another context"));
        }
        Ok(key)
    }

    /// Puts work into a stream, or into the capture that the stream is in.
    pub fn enqueue(&mut self, stream: Handle, op: Op) -> Answer {
        let key = self.enqueueable(stream)?;
        if self.streams[&key].capture.is_some() {
            return self.capture_op(key, op);
        }
        self.settle_default_streams(key)?;
        self.sequence += 1;
        let sequence = self.sequence;
        if let Some(stream) = self.streams.get_mut(&key) {
            stream.queue.push_back((sequence, op));
        }
        Ok(())
    }

    /// Ordinary streams and their context's legacy default stream wait for each other.
    pub fn settle_default_streams(&mut self, key: Handle) -> Answer {
        let (context, legacy, flags) = {
            let stream = &self.streams[&key];
            (stream.context, stream.legacy, stream.flags)
        };
        if legacy {
            self.refuse_implicit(context)?;
            for other in self.streams_of(context) {
                if other != key && self.streams[&other].flags & 1 == 0 {
                    self.drain(other, u64::MAX);
                }
            }
        } else if flags & 1 == 0 {
            self.drain(context + 1, u64::MAX);
        }
        Ok(())
    }

    /// The streams of a context.
    pub fn streams_of(&self, context: Handle) -> Vec<Handle> {
        self.streams.iter().filter(|(_, stream)| stream.context == context).map(|(key, _)| *key).collect()
    }

    /// An event that must be alive.
    pub fn event(&mut self, event: Handle) -> Answer<&mut Event> {
        match self.events.get_mut(&event) {
            Some(event) => Ok(event),
            None => refuse(INVALID_HANDLE, format!("event {event:#x} is not alive")),
        }
    }

    /// Waits for all work of a stream.
    pub fn synchronize(&mut self, stream: Handle) -> Answer {
        let key = self.resolve(stream)?;
        self.refuse_wait(key)?;
        self.settle_default_streams(key)?;
        self.drain(key, u64::MAX);
        self.surface()
    }

    /// The error that finished work left, if any.
    pub fn surface(&self) -> Answer {
        match self.sticky {
            Some(status) => refuse(status, "work that was enqueued before failed"),
            None => Ok(()),
        }
    }

    /// Refuses flags outside of `allowed`.
    pub fn flags(flags: u32, allowed: u32) -> Answer {
        if flags & !allowed != 0 {
            return refuse(INVALID_VALUE, format!("flags {flags:#x}"));
        }
        Ok(())
    }
}
