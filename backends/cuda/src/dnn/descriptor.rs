//! Owned descriptors: created, filled, made final.

use super::table::{Object, Table};
use super::values::of;
use std::sync::Arc;

/// A backend descriptor.
pub(super) struct Descriptor {
    object: Object,
    table: Arc<Table>,
}

// SAFETY: a descriptor is tied to no thread; whoever uses one together with a handle holds that handle's lock.
unsafe impl Send for Descriptor {}
// SAFETY: as above; a final descriptor does not change.
unsafe impl Sync for Descriptor {}

impl Descriptor {
    /// An empty one of a kind.
    pub(super) fn new(table: &Arc<Table>, kind: i32) -> Result<Self, String> {
        let create = table.cudnnBackendCreateDescriptor()?;
        let mut object = std::ptr::null_mut();
        // SAFETY: `object` is a place for the pointer.
        let status = unsafe { create(kind, &mut object) };
        table.check(status, format_args!("creating a descriptor of kind {kind}"))?;
        Ok(Self { object, table: table.clone() })
    }

    /// The pointer, good while this lives.
    pub(super) fn object(&self) -> Object {
        self.object
    }

    /// Sets an attribute to values whose Rust type is that of the attribute's type: `i32` for enumerators, `bool`, `i64`,
    /// `f32`, pointers, bytes.
    pub(super) fn set<T: Copy>(&self, attribute: i32, of: i32, values: &[T]) -> Result<(), String> {
        let set = self.table.cudnnBackendSetAttribute()?;
        let pointer = values.as_ptr().cast();
        // SAFETY: the library copies `values.len()` values of the type it is told, after checking that the attribute has it.
        let status = unsafe { set(self.object, attribute, of, values.len() as i64, pointer) };
        self.table.check(status, format_args!("setting attribute {attribute}"))
    }

    /// Sets an attribute to descriptors.
    pub(super) fn point(&self, attribute: i32, to: &[Object]) -> Result<(), String> {
        self.set(attribute, of::DESCRIPTOR, to)
    }

    /// How many values an attribute has.
    pub(super) fn count(&self, attribute: i32, of: i32) -> Result<usize, String> {
        let get = self.table.cudnnBackendGetAttribute()?;
        let mut count = 0;
        // SAFETY: no values are asked for, so none are written.
        let status = unsafe { get(self.object, attribute, of, 0, &mut count, std::ptr::null_mut()) };
        self.table.check(status, format_args!("counting attribute {attribute}"))?;
        Ok(usize::try_from(count).unwrap_or(0))
    }

    /// Reads an attribute into `values`, and gives how many were written. Descriptors are read into existing ones.
    pub(super) fn get<T: Copy>(&self, attribute: i32, of: i32, values: &mut [T]) -> Result<usize, String> {
        let get = self.table.cudnnBackendGetAttribute()?;
        let (mut count, room) = (0, values.len() as i64);
        // SAFETY: there is room for `values.len()` values of the type the library is told.
        let status = unsafe { get(self.object, attribute, of, room, &mut count, values.as_mut_ptr().cast()) };
        self.table.check(status, format_args!("reading attribute {attribute}"))?;
        Ok(usize::try_from(count).unwrap_or(0).min(values.len()))
    }

    /// Has the library check it; nothing can be set after that.
    pub(super) fn finalize(self, what: &str) -> Result<Self, String> {
        let finalize = self.table.cudnnBackendFinalize()?;
        // SAFETY: the descriptor lives.
        self.table.check(unsafe { finalize(self.object) }, what)?;
        Ok(self)
    }
}

impl Drop for Descriptor {
    fn drop(&mut self) {
        if let Ok(destroy) = self.table.cudnnBackendDestroyDescriptor() {
            // SAFETY: made by the matching function, given back once.
            unsafe { destroy(self.object) };
        }
    }
}
