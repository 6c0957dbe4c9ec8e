//! Weights on their way to a device, many at once.

use crate::{Accelerator, HostBytes, ParamSlot, Purpose, Result, Storage, Within};
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;

/// Weights whose bytes are there but not yet on the device, and those that are.
pub(crate) struct Loading<'p> {
    accelerator: &'p Arc<dyn Accelerator>,
    /// With memory of their own, and as parts of memory that several share.
    alone: Vec<(&'p ParamSlot, HostBytes)>,
    parts: Vec<(&'p ParamSlot, Arc<dyn Storage>, usize, HostBytes)>,
    /// Shared memory, by its name and size.
    wholes: HashMap<(&'p str, usize), Arc<dyn Storage>>,
    /// What is on the device: its memory, and where in it.
    pub(crate) loaded: Vec<(&'p ParamSlot, Arc<dyn Storage>, usize)>,
}

impl<'p> Loading<'p> {
    pub(crate) fn new(accelerator: &'p Arc<dyn Accelerator>) -> Self {
        let (alone, parts, wholes, loaded) = Default::default();
        Self { accelerator, alone, parts, wholes, loaded }
    }

    /// Takes the bytes of one.
    pub(crate) fn take(&mut self, slot: &'p ParamSlot, bytes: HostBytes) -> Result<()> {
        match &slot.within {
            None => self.alone.push((slot, bytes)),
            Some(Within { whole, bytes: all, offset }) => {
                let storage = match self.wholes.entry((whole, *all)) {
                    Entry::Occupied(known) => Arc::clone(known.get()),
                    Entry::Vacant(new) => {
                        Arc::clone(new.insert(self.accelerator.allocate(*all, Purpose::Weights)?))
                    }
                };
                self.parts.push((slot, storage, *offset, bytes));
            }
        }
        Ok(())
    }

    /// Puts what was taken on the device.
    pub(crate) fn put(&mut self) -> Result<()> {
        let (slots, bytes): (Vec<_>, Vec<_>) = self.alone.drain(..).unzip();
        let storages = self.accelerator.adopt_all(bytes, Purpose::Weights)?;
        self.loaded.extend(slots.into_iter().zip(storages).map(|(slot, storage)| (slot, storage, 0)));
        let mut uploads = Vec::with_capacity(self.parts.len());
        for (slot, storage, offset, bytes) in self.parts.drain(..) {
            uploads.push((Arc::clone(&storage), offset, bytes));
            self.loaded.push((slot, storage, offset));
        }
        self.accelerator.upload_all(uploads)
    }
}
