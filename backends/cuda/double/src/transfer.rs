//! Copies and fills as they are asked for: whose memory, how far, now or in order.

use crate::abi::{Answer, DevicePtr, Handle};
use crate::memory::is_device;
use crate::state::Double;
use crate::status::{INVALID_VALUE, STREAM_CAPTURE_UNSUPPORTED, refuse};
use crate::stream::{Op, Place};

impl Double {
    /// Checks that `bytes` bytes of device memory are there to be used.
    pub fn device_range(&self, address: DevicePtr, bytes: u64) -> Answer<Place> {
        if !is_device(address) {
            // With unified addresses page-locked host memory is the device's too.
            return match self.host.locked(address, bytes) {
                Some(_) => Ok(Place::Host(address)),
                None => refuse(INVALID_VALUE, format!("{address:#x} is not a device address")),
            };
        }
        self.memory.find(address, bytes)?;
        Ok(Place::Device(address))
    }

    /// Checks that `bytes` bytes of host memory can be read.
    pub fn host_range(&mut self, address: u64, bytes: u64) -> Answer<Place> {
        if is_device(address) {
            return refuse(
                INVALID_VALUE,
                format!("{address:#x} is a device address where host memory belongs"),
            );
        }
        for end in [Some(address), bytes.checked_sub(1).and_then(|last| address.checked_add(last))] {
            let Some(end) = end else {
                return refuse(INVALID_VALUE, "host memory past the end of addresses");
            };
            self.host.read(end, &mut [0])?;
        }
        Ok(Place::Host(address))
    }

    /// Either kind.
    pub fn any_range(&mut self, address: u64, bytes: u64) -> Answer<Place> {
        if is_device(address) { self.device_range(address, bytes) } else { self.host_range(address, bytes) }
    }

    /// A copy in a stream's order, or one that waits for all when there is no stream.
    pub fn copy(
        &mut self,
        to: Answer<Place>,
        from: Answer<Place>,
        bytes: u64,
        stream: Option<Handle>,
    ) -> Answer {
        self.current()?;
        if bytes == 0 {
            return Ok(());
        }
        let (to, from) = (to?, from?);
        let Some(stream) = stream else {
            self.synchronize(0)?;
            return self.copy_now(to, from, bytes);
        };
        let key = self.enqueueable(stream)?;
        let pageable = [to, from].iter().any(|place| match place {
            Place::Host(address) => self.host.locked(*address, bytes).is_none(),
            Place::Device(_) => false,
        });
        if !pageable {
            return self.enqueue(stream, Op::Copy { to, from, bytes });
        }
        if self.streams[&key].capture.is_some() {
            self.invalidate(key);
            return refuse(
                STREAM_CAPTURE_UNSUPPORTED,
                "a capture keeps addresses: page-lock this host memory",
            );
        }
        // A real driver stages such copies or waits; a program that wants neither must see that it does.
        self.note("pageable");
        self.log.add("hidden_waits", 1);
        self.settle_default_streams(key)?;
        self.drain(key, u64::MAX);
        self.surface()?;
        self.copy_now(to, from, bytes)
    }

    /// A fill of `count` elements of one, two or four bytes.
    pub fn fill_with(
        &mut self,
        to: DevicePtr,
        pattern: Vec<u8>,
        count: u64,
        stream: Option<Handle>,
    ) -> Answer {
        self.current()?;
        let Some(bytes) = count.checked_mul(pattern.len() as u64) else {
            return refuse(INVALID_VALUE, format!("{count} elements"));
        };
        if bytes == 0 {
            return Ok(());
        }
        if !to.is_multiple_of(pattern.len() as u64) {
            return refuse(INVALID_VALUE, format!("{to:#x} is not aligned to {} bytes", pattern.len()));
        }
        let Place::Device(to) = self.device_range(to, bytes)? else {
            return refuse(INVALID_VALUE, format!("{to:#x} is not a device address"));
        };
        let op = Op::Set { to, pattern, count };
        match stream {
            Some(stream) => self.enqueue(stream, op),
            None => {
                self.synchronize(0)?;
                self.perform(&op);
                self.surface()
            }
        }
    }

    /// Frees device memory after all work is done.
    pub fn free_now(&mut self, address: DevicePtr) -> Answer {
        self.current()?;
        if address == 0 {
            return Ok(());
        }
        self.memory.freeable(address)?;
        self.drain_all();
        self.memory.release(address);
        Ok(())
    }

    /// Does all work of all streams.
    pub fn drain_all(&mut self) {
        let streams: Vec<Handle> = self.streams.keys().copied().collect();
        streams.into_iter().for_each(|stream| self.drain(stream, u64::MAX));
    }
}
