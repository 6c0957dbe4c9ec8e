//! Host memory: reading and writing the caller's, and what is page-locked of it.
//!
//! The caller's memory is reached through `/proc/self/mem`, so a wrong pointer is an error and not a crash.

use std::alloc::{Layout, alloc_zeroed, dealloc};
use std::collections::BTreeMap;
use std::fs::File;
use std::os::unix::fs::FileExt;

use crate::abi::Answer;
use crate::status::{
    HOST_MEMORY_ALREADY_REGISTERED, HOST_MEMORY_NOT_REGISTERED, INVALID_VALUE, OUT_OF_MEMORY, refuse,
};

/// Page-locked memory.
#[derive(Debug, Clone, Copy)]
pub struct Locked {
    /// Bytes.
    pub bytes: u64,
    /// Flags it was locked with.
    pub flags: u32,
    /// Whether it is the caller's own memory, registered.
    pub registered: bool,
}

/// The host's memory.
#[derive(Default)]
pub struct Host {
    process: Option<File>,
    locked: BTreeMap<u64, Locked>,
}

impl Host {
    fn process(&mut self) -> Answer<&File> {
        if self.process.is_none() {
            self.process = File::options().read(true).write(true).open("/proc/self/mem").ok();
        }
        match &self.process {
            Some(file) => Ok(file),
            None => refuse(crate::status::OPERATING_SYSTEM, "/proc/self/mem cannot be opened"),
        }
    }

    /// Reads the caller's memory.
    pub fn read(&mut self, address: u64, into: &mut [u8]) -> Answer {
        match self.process()?.read_exact_at(into, address) {
            Ok(()) => Ok(()),
            Err(_) => {
                refuse(INVALID_VALUE, format!("host memory {address:#x}+{} is not readable", into.len()))
            }
        }
    }

    /// Writes the caller's memory.
    pub fn write(&mut self, address: u64, from: &[u8]) -> Answer {
        match self.process()?.write_all_at(from, address) {
            Ok(()) => Ok(()),
            Err(_) => {
                refuse(INVALID_VALUE, format!("host memory {address:#x}+{} is not writable", from.len()))
            }
        }
    }

    /// New page-locked memory.
    pub fn allocate(&mut self, bytes: u64, flags: u32) -> Answer<u64> {
        if bytes == 0 || flags > 7 {
            return refuse(INVALID_VALUE, format!("{bytes} bytes of host memory with flags {flags:#x}"));
        }
        let Some(layout) = layout(bytes) else { return refuse(OUT_OF_MEMORY, "more than an address space") };
        // SAFETY: the size is not zero.
        let pointer = unsafe { alloc_zeroed(layout) };
        if pointer.is_null() {
            return refuse(OUT_OF_MEMORY, "the host has not that much memory");
        }
        self.locked.insert(pointer as u64, Locked { bytes, flags, registered: false });
        Ok(pointer as u64)
    }

    /// Gives page-locked memory back.
    pub fn free(&mut self, address: u64) -> Answer {
        match self.locked.get(&address) {
            Some(locked) if !locked.registered => {
                if let Some(layout) = layout(locked.bytes) {
                    // SAFETY: it came from `allocate` with this layout, and leaves the table with this.
                    unsafe { dealloc(address as *mut u8, layout) };
                }
                self.locked.remove(&address);
                Ok(())
            }
            _ => {
                refuse(INVALID_VALUE, format!("{address:#x} is not live page-locked memory of the driver's"))
            }
        }
    }

    /// Page-locks memory of the caller's.
    pub fn register(&mut self, address: u64, bytes: u64, flags: u32) -> Answer {
        if address == 0 || bytes == 0 {
            return refuse(INVALID_VALUE, "nothing to register");
        }
        let overlaps = self.locked.range(..address + bytes).next_back();
        if overlaps.is_some_and(|(start, locked)| start + locked.bytes > address) {
            return refuse(HOST_MEMORY_ALREADY_REGISTERED, format!("{address:#x} is page-locked already"));
        }
        for end in [address, address + bytes - 1] {
            self.read(end, &mut [0])?;
        }
        self.locked.insert(address, Locked { bytes, flags, registered: true });
        Ok(())
    }

    /// Lets registered memory go.
    pub fn unregister(&mut self, address: u64) -> Answer {
        if self.locked.get(&address).is_some_and(|locked| locked.registered) {
            self.locked.remove(&address);
            return Ok(());
        }
        refuse(HOST_MEMORY_NOT_REGISTERED, format!("{address:#x} is not registered"))
    }

    /// The page-locked range that holds these bytes: where it starts, and what it is.
    pub fn locked(&self, address: u64, bytes: u64) -> Option<(u64, Locked)> {
        let (start, locked) = self.locked.range(..=address).next_back()?;
        (address - start + bytes <= locked.bytes).then_some((*start, *locked))
    }

    /// Forgets registrations with their context. Memory that the driver allocated is left to leak: someone may
    /// still read it, and a crash would say less than the report.
    pub fn forget(&mut self) {
        self.locked.clear();
    }
}

fn layout(bytes: u64) -> Option<Layout> {
    Layout::from_size_align(usize::try_from(bytes).ok()?, 4096).ok()
}
