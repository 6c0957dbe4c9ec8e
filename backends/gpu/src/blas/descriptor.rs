//! Owned objects of a library.

use super::Shared;
use super::table::{Object, Table};
use crate::driver::Status;
use std::ffi::c_void;
use std::sync::Arc;

/// What an object describes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Operation,
    Layout,
    Preference,
}

/// A description of an operation, a layout or a preference: host memory only, so it needs no device to go.
pub(super) struct Descriptor {
    pub(super) object: Object,
    kind: Kind,
    shared: Arc<Shared>,
}

// SAFETY: a descriptor is plain host memory behind a pointer, tied to no thread; `&mut` is asked for to change it.
unsafe impl Send for Descriptor {}
// SAFETY: the library only reads it through `&self`.
unsafe impl Sync for Descriptor {}

impl Descriptor {
    /// Describes a product: how it is computed, and the type of its scale.
    pub(super) fn operation(shared: &Arc<Shared>, compute: i32, scale: i32) -> Result<Self, String> {
        // SAFETY: `object` is a place for the pointer.
        Self::new(shared, Kind::Operation, |table, object| unsafe {
            table.operation_create(object, compute, scale)
        })
    }

    /// Describes a matrix.
    pub(super) fn layout(
        shared: &Arc<Shared>,
        dtype: i32,
        rows: usize,
        columns: usize,
        leading: usize,
    ) -> Result<Self, String> {
        let leading = i64::try_from(leading).map_err(|_| format!("a leading dimension of {leading}"))?;
        // SAFETY: as above.
        Self::new(shared, Kind::Layout, |table, object| unsafe {
            table.layout_create(object, dtype, rows as u64, columns as u64, leading)
        })
    }

    /// Describes what is wanted of an algorithm.
    pub(super) fn preference(shared: &Arc<Shared>) -> Result<Self, String> {
        // SAFETY: as above.
        Self::new(shared, Kind::Preference, |table, object| unsafe { table.preference_create(object) })
    }

    fn new(
        shared: &Arc<Shared>,
        kind: Kind,
        create: impl FnOnce(&Table, *mut Object) -> Result<(), Status>,
    ) -> Result<Self, String> {
        let mut object = std::ptr::null_mut();
        shared.check(create(&shared.table, &mut object))?;
        Ok(Self { object, kind, shared: Arc::clone(shared) })
    }

    /// Sets an attribute, which must be of the type that the library's documentation gives.
    pub(super) fn set<T: Copy>(&mut self, attribute: i32, value: T) -> Result<(), String> {
        let (table, object, bytes) = (&self.shared.table, self.object, size_of::<T>());
        let value = (&raw const value).cast::<c_void>();
        // SAFETY: the library copies as many bytes as `value` has, and refuses an attribute of another size.
        let set = unsafe {
            match self.kind {
                Kind::Operation => table.operation_set(object, attribute, value, bytes),
                Kind::Layout => table.layout_set(object, attribute, value, bytes),
                Kind::Preference => table.preference_set(object, attribute, value, bytes),
            }
        };
        self.shared.check(set).map_err(|reason| format!("{reason}, setting attribute {attribute}"))
    }
}

impl Drop for Descriptor {
    fn drop(&mut self) {
        let (table, object) = (&self.shared.table, self.object);
        // SAFETY: made by the matching function, given back once. What it answers is of no use.
        let _ = unsafe {
            match self.kind {
                Kind::Operation => table.operation_destroy(object),
                Kind::Layout => table.layout_destroy(object),
                Kind::Preference => table.preference_destroy(object),
            }
        };
    }
}
