//! Doing what waits in streams.

use std::time::Instant;

use crate::abi::{Answer, DevicePtr, Handle};
use crate::memory::is_device;
use crate::state::Double;
use crate::status::{ILLEGAL_ADDRESS, refuse};
use crate::stream::{Op, Place};

/// Bytes that a copy moves at a time.
const CHUNK: u64 = 1 << 20;

impl Double {
    /// Does a stream's work up to a place in the order of enqueueing, and first what it waits for.
    pub fn drain(&mut self, stream: Handle, upto: u64) {
        let mut pending = vec![(stream, upto)];
        while let Some((stream, upto)) = pending.last().copied() {
            let queue = self.streams.get_mut(&stream).map(|stream| &mut stream.queue);
            let Some(queue) = queue.filter(|queue| queue.front().is_some_and(|(at, _)| *at <= upto)) else {
                pending.pop();
                continue;
            };
            if let Some((_, Op::Wait(record))) = queue.front()
                && record.reached.get().is_none()
                && pending.len() < 1 << 20
            {
                let other = (record.stream, record.sequence);
                if self.streams.get(&other.0).is_some_and(|s| s.queue.iter().any(|(at, _)| *at == other.1)) {
                    pending.push(other);
                    continue;
                }
            }
            let Some((_, op)) = self.streams.get_mut(&stream).and_then(|stream| stream.queue.pop_front())
            else {
                continue;
            };
            self.perform(&op);
        }
    }

    /// Does one piece of work. After a sticky error only memory is still given back.
    pub fn perform(&mut self, op: &Op) {
        match op {
            Op::Record(record) => {
                let _ = record.reached.set(Instant::now());
            }
            Op::Free(address) => self.memory.release(*address),
            _ if self.sticky.is_some() => {}
            Op::Wait(_) => {}
            Op::Allocate(address) => {
                if let Some(allocation) = self.memory.get(*address) {
                    allocation.backed = true;
                }
            }
            Op::Host(call) => self.callbacks.push(*call),
            Op::Kernel { addresses, .. } => {
                self.log.add("kernels_run", 1);
                for address in addresses {
                    self.must_be_backed(*address);
                }
            }
            Op::Set { to, pattern, count } => {
                self.log.add("fills_run", 1);
                if self.must_be_backed(*to) {
                    self.fill(*to, pattern, *count);
                }
            }
            Op::Copy { to, from, bytes } => {
                if let Err(refusal) = self.copy_now(*to, *from, *bytes) {
                    self.fault(format!("copy: {}", refusal.why));
                }
            }
            Op::Graph(ops) => ops.iter().for_each(|op| self.perform(op)),
            // Made executable, its work stands in its place.
            Op::If(_) => {}
        }
    }

    /// Moves bytes now.
    pub fn copy_now(&mut self, to: Place, from: Place, bytes: u64) -> Answer {
        for place in [to, from] {
            if let Place::Device(address) = place
                && !self.memory.backed(address)
            {
                return refuse(ILLEGAL_ADDRESS, format!("{address:#x} is not there when the work runs"));
            }
        }
        let mut buffer = vec![0; bytes.min(CHUNK) as usize];
        let mut done = 0;
        while done < bytes {
            let piece = &mut buffer[..(bytes - done).min(CHUNK) as usize];
            match from {
                Place::Device(address) => self.memory.read(address + done, piece),
                Place::Host(address) => self.host.read(address + done, piece)?,
            }
            match to {
                Place::Device(address) => self.memory.write(address + done, piece),
                Place::Host(address) => self.host.write(address + done, piece)?,
            }
            done += piece.len() as u64;
        }
        Ok(())
    }

    fn fill(&mut self, to: DevicePtr, pattern: &[u8], count: u64) {
        let block = pattern.repeat((CHUNK as usize / pattern.len()).min(count as usize));
        let bytes = count * pattern.len() as u64;
        let mut done = 0;
        while done < bytes {
            let piece = &block[..(bytes - done).min(block.len() as u64) as usize];
            self.memory.write(to + done, piece);
            done += piece.len() as u64;
        }
    }

    fn must_be_backed(&mut self, address: DevicePtr) -> bool {
        let there = !is_device(address) || self.memory.backed(address);
        if !there {
            self.fault(format!("{address:#x} is not there when the work runs"));
        }
        there
    }

    /// Work on the device went wrong: every later call says so.
    pub fn fault(&mut self, why: String) {
        self.sticky.get_or_insert(ILLEGAL_ADDRESS);
        self.note(format!("fault=\"{why}\""));
    }
}
