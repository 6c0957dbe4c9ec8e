//! Device memory: live allocations by address. Backed sparsely, so that untouched bytes take no memory.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use memmap2::{MmapMut, MmapOptions};

use crate::abi::{Outcome, Status, fault};

/// Where device memory begins: no address a process could have on the host.
pub const DRAM_BASE: u64 = 0x1001_0000_0000_0000;
/// Every allocation begins on such a boundary (a guess: the real pool's granularity is not public).
const GRANULE: u64 = 4096;
/// Allocations up to this size begin with all bits set, which is no number in any floating type.
const POISONED: u64 = 64 << 20;

/// One live allocation.
pub struct Region {
    pub base: u64,
    pub size: u64,
    pub bytes: Mutex<MmapMut>,
}

impl Region {
    /// The bytes `[address, address + size)` as an offset, if they are inside.
    pub fn offset(&self, address: u64, size: u64) -> Option<usize> {
        let start = address.checked_sub(self.base)?;
        let end = start.checked_add(size)?;
        if end <= self.size { usize::try_from(start).ok() } else { None }
    }
}

/// All memory of the device.
pub struct Memory {
    pub total: u64,
    regions: BTreeMap<u64, Arc<Region>>,
    /// Addresses are not used again, so that a stale one is always found out.
    next: u64,
}

impl Memory {
    pub fn new(total: u64) -> Memory {
        Memory { total, regions: BTreeMap::new(), next: DRAM_BASE }
    }

    pub fn used(&self) -> u64 {
        self.regions.values().map(|region| region.size.next_multiple_of(GRANULE)).sum()
    }

    pub fn live(&self) -> impl Iterator<Item = &Arc<Region>> {
        self.regions.values()
    }

    /// Reserves `size` bytes; out of memory is synFail (section 5, synDeviceMalloc).
    pub fn allocate(&mut self, size: u64) -> Outcome<u64> {
        let free = self.total.saturating_sub(self.used());
        if size > free {
            return fault(Status::FAIL, format!("out of device memory: {size} bytes asked, {free} free"));
        }
        let mut options = MmapOptions::new();
        options.len(usize::try_from(size).unwrap_or(usize::MAX)).no_reserve_swap();
        let mut bytes = match options.map_anon() {
            Ok(bytes) => bytes,
            Err(error) => return fault(Status::FAIL, format!("the host has no room: {error}")),
        };
        if size <= POISONED {
            bytes.fill(0xff);
        }
        let base = self.next;
        self.next += size.next_multiple_of(GRANULE) + GRANULE;
        self.regions.insert(base, Arc::new(Region { base, size, bytes: Mutex::new(bytes) }));
        Ok(base)
    }

    /// Frees what begins at `base`; refuses while work that was queued still uses it.
    pub fn free(&mut self, base: u64) -> Outcome {
        match self.regions.get(&base) {
            None => fault(Status::FAIL, format!("{base:#x} is no live allocation")),
            Some(region) if Arc::strong_count(region) > 1 => {
                crate::misuse::note(format!("use after free: {base:#x} freed while queued work uses it"));
                fault(Status::FAIL, format!("{base:#x} is in use by queued work"))
            }
            Some(_) => {
                self.regions.remove(&base);
                Ok(())
            }
        }
    }

    /// The allocation that holds all of `[address, address + size)`.
    pub fn find(&self, address: u64, size: u64) -> Option<Arc<Region>> {
        let (_, region) = self.regions.range(..=address).next_back()?;
        region.offset(address, size).map(|_| region.clone())
    }
}
