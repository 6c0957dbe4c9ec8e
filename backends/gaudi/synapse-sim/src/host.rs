//! Host memory that the device may reach: what was allocated or mapped.

use std::collections::BTreeMap;
use std::sync::Arc;

use memmap2::MmapMut;

use crate::abi::{Outcome, Status, fault};

/// A range of the host that is mapped to the device.
pub struct Range {
    pub base: u64,
    pub size: u64,
    /// The bytes themselves, where this library allocated them.
    pub owned: Option<MmapMut>,
}

/// All mapped ranges by their first address.
#[derive(Default)]
pub struct Host {
    ranges: BTreeMap<u64, Arc<Range>>,
}

impl Host {
    pub fn live(&self) -> impl Iterator<Item = &Arc<Range>> {
        self.ranges.values()
    }

    /// New memory, mapped.
    pub fn allocate(&mut self, size: u64) -> Outcome<u64> {
        let length = usize::try_from(size).unwrap_or(usize::MAX);
        let mut bytes = match MmapMut::map_anon(length) {
            Ok(bytes) => bytes,
            Err(error) => return fault(Status::OUT_OF_HOST_MEMORY, format!("{size} bytes: {error}")),
        };
        let base = bytes.as_mut_ptr() as u64;
        self.ranges.insert(base, Arc::new(Range { base, size, owned: Some(bytes) }));
        Ok(base)
    }

    /// Maps memory of the caller's. One that is mapped already stays as it is (section 5).
    pub fn map(&mut self, base: u64, size: u64) -> Outcome {
        let Some(end) = base.checked_add(size) else {
            return fault(Status::INVALID_ARGUMENT, "the range goes past the end of memory");
        };
        if self.find(base, size).is_some() {
            return Ok(());
        }
        let before = self.ranges.range(..end).next_back();
        if let Some((_, range)) = before
            && range.base + range.size > base
        {
            // The reference says nothing of partly mapped ranges.
            return fault(Status::INVALID_ARGUMENT, "the range overlaps a mapped one in part");
        }
        self.ranges.insert(base, Arc::new(Range { base, size, owned: None }));
        Ok(())
    }

    /// Forgets the range that begins at `base`; `owned` says which kind is meant.
    pub fn forget(&mut self, base: u64, owned: bool) -> Outcome {
        match self.ranges.get(&base) {
            Some(range) if range.owned.is_some() == owned => {
                if Arc::strong_count(range) > 1 {
                    crate::misuse::note(format!(
                        "use after free: host {base:#x} given back while queued work uses it"
                    ));
                    return fault(Status::FAIL, format!("host {base:#x} is in use by queued work"));
                }
                self.ranges.remove(&base);
                Ok(())
            }
            _ => {
                fault(Status::INVALID_ARGUMENT, format!("host {base:#x} is not what was allocated or mapped"))
            }
        }
    }

    /// The range that holds all of `[address, address + size)`.
    pub fn find(&self, address: u64, size: u64) -> Option<Arc<Range>> {
        let (_, range) = self.ranges.range(..=address).next_back()?;
        let end = address.checked_add(size)?;
        (end <= range.base + range.size).then(|| range.clone())
    }
}
