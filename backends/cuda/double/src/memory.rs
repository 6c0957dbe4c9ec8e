//! Device memory: ranges of addresses that no host memory has, backed page by page when written.
//!
//! Addresses are never given out twice and lie apart, so whatever points outside a live allocation is found.

use std::collections::{BTreeMap, HashMap};

use crate::abi::{Answer, DevicePtr, Handle};
use crate::status::{INVALID_VALUE, OUT_OF_MEMORY, refuse};

/// Bytes of a backing page.
pub const PAGE: u64 = 64 << 10;
const FIRST: DevicePtr = 0x00ad_0000_0000_0000;
const END: DevicePtr = 0x00ae_0000_0000_0000;
/// Memory is counted in pieces of this many bytes.
const GRAIN: u64 = 512;
/// Allocations start at multiples of this, with at least as much nothing between them.
const APART: u64 = 2 << 20;

/// One allocation.
#[derive(Debug)]
pub struct Allocation {
    /// Bytes that were asked for.
    pub bytes: u64,
    /// The context it belongs to.
    pub context: Handle,
    /// Its device.
    pub device: i32,
    /// The pool it came from; 0 is none.
    pub pool: Handle,
    /// Whether the stream that allocates it got there.
    pub backed: bool,
    /// Whether a stream was told to free it: nothing new may use it.
    pub freeing: bool,
    pages: HashMap<u64, Box<[u8]>>,
}

/// All device memory.
#[derive(Debug, Default)]
pub struct Memory {
    live: BTreeMap<DevicePtr, Allocation>,
    freed: BTreeMap<DevicePtr, u64>,
    taken: u64,
}

/// Whether a number lies where device addresses do.
pub fn is_device(address: u64) -> bool {
    (FIRST..END).contains(&address)
}

impl Memory {
    /// Bytes in use on a device.
    pub fn used(&self, device: i32) -> u64 {
        let here = self.live.values().filter(|allocation| allocation.device == device);
        here.map(|allocation| allocation.bytes.next_multiple_of(GRAIN)).sum()
    }

    /// A new range of addresses.
    pub fn allocate(
        &mut self,
        bytes: u64,
        capacity: u64,
        (device, context, pool): (i32, Handle, Handle),
        backed: bool,
    ) -> Answer<DevicePtr> {
        if bytes == 0 {
            return refuse(INVALID_VALUE, "an allocation of 0 bytes");
        }
        let used = self.used(device);
        if bytes
            .checked_next_multiple_of(GRAIN)
            .and_then(|bytes| bytes.checked_add(used))
            .is_none_or(|all| all > capacity)
        {
            return refuse(OUT_OF_MEMORY, format!("{used} of {capacity} bytes are in use"));
        }
        let address = FIRST + self.taken;
        self.taken += (bytes + APART).next_multiple_of(APART);
        if FIRST + self.taken > END {
            return refuse(OUT_OF_MEMORY, "the double has no addresses left");
        }
        let pages = HashMap::new();
        self.live.insert(address, Allocation { bytes, context, device, pool, backed, freeing: false, pages });
        Ok(address)
    }

    /// The allocation that holds `bytes` bytes from `address` on, by its start.
    pub fn find(&self, address: DevicePtr, bytes: u64) -> Answer<DevicePtr> {
        let below = self.live.range(..=address).next_back();
        match below.filter(|(start, allocation)| address - *start <= allocation.bytes) {
            Some((start, allocation)) if allocation.freeing => {
                refuse(INVALID_VALUE, format!("{address:#x} was freed (allocation {start:#x})"))
            }
            Some((start, allocation)) if bytes > allocation.bytes - (address - start) => refuse(
                INVALID_VALUE,
                format!("{address:#x}+{bytes} leaves allocation {start:#x}+{}", allocation.bytes),
            ),
            Some((start, _)) => Ok(*start),
            None => match self.freed.range(..=address).next_back() {
                Some((start, size)) if address - start <= *size => {
                    refuse(INVALID_VALUE, format!("{address:#x} was freed (allocation {start:#x})"))
                }
                _ => refuse(INVALID_VALUE, format!("{address:#x} is in no allocation")),
            },
        }
    }

    /// An allocation by its start.
    pub fn get(&mut self, start: DevicePtr) -> Option<&mut Allocation> {
        self.live.get_mut(&start)
    }

    /// Whether work that runs now may touch `address`: alive, and its stream-ordered allocation has happened.
    pub fn backed(&self, address: DevicePtr) -> bool {
        let below = self.live.range(..=address).next_back();
        below.is_some_and(|(start, allocation)| address - start <= allocation.bytes && allocation.backed)
    }

    /// The start of an allocation that may be freed now.
    pub fn freeable(&self, address: DevicePtr) -> Answer {
        match self.live.get(&address) {
            Some(allocation) if !allocation.freeing => Ok(()),
            Some(_) => refuse(INVALID_VALUE, format!("{address:#x} was already freed")),
            None if self.freed.contains_key(&address) => {
                refuse(INVALID_VALUE, format!("{address:#x} was already freed"))
            }
            None => refuse(INVALID_VALUE, format!("{address:#x} is not the start of an allocation")),
        }
    }

    /// Frees an allocation.
    pub fn release(&mut self, start: DevicePtr) {
        if let Some(allocation) = self.live.remove(&start) {
            self.freed.insert(start, allocation.bytes);
        }
    }

    /// Frees all of a context.
    pub fn forget(&mut self, context: Handle) {
        let starts: Vec<_> =
            self.live.iter().filter(|(_, a)| a.context == context).map(|(start, _)| *start).collect();
        starts.into_iter().for_each(|start| self.release(start));
    }

    /// Reads bytes; what was never written is zero.
    pub fn read(&self, address: DevicePtr, into: &mut [u8]) {
        let Some((start, allocation)) = self.live.range(..=address).next_back() else { return };
        pieces(address - start, into.len(), |page, within, range| {
            let piece = &mut into[range];
            match allocation.pages.get(&page) {
                Some(bytes) => piece.copy_from_slice(&bytes[within..within + piece.len()]),
                None => piece.fill(0),
            }
        });
    }

    /// Writes bytes.
    pub fn write(&mut self, address: DevicePtr, from: &[u8]) {
        let Some((start, allocation)) = self.live.range_mut(..=address).next_back() else { return };
        pieces(address - start, from.len(), |page, within, range| {
            let piece = &from[range];
            // Zeros over a page that was never written need no page.
            if !allocation.pages.contains_key(&page) && piece.iter().all(|byte| *byte == 0) {
                return;
            }
            let bytes = allocation.pages.entry(page).or_insert_with(|| vec![0; PAGE as usize].into());
            bytes[within..within + piece.len()].copy_from_slice(piece);
        });
    }
}

/// Cuts `len` bytes from `offset` on at page ends: page, place in it, range of the caller's bytes.
fn pieces(offset: u64, len: usize, mut each: impl FnMut(u64, usize, std::ops::Range<usize>)) {
    let mut done = 0;
    while done < len {
        let at = offset + done as u64;
        let within = at % PAGE;
        let take = (len - done).min((PAGE - within) as usize);
        each(at / PAGE, within as usize, done..done + take);
        done += take;
    }
}
