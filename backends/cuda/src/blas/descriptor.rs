//! Owned objects of cuBLASLt.

use super::table::{Object, Table};
use std::ffi::{CStr, c_void};
use std::sync::Arc;

/// Gives an object back.
type Destroy = unsafe extern "C" fn(Object) -> i32;
/// Sets an attribute of an object.
type Set = unsafe extern "C" fn(Object, i32, *const c_void, usize) -> i32;

/// A description of an operation, a layout or a preference: host memory only, so it needs no context to go.
pub(super) struct Descriptor {
    pub(super) object: Object,
    destroy: Destroy,
    set: Set,
    table: Arc<Table>,
}

// SAFETY: a descriptor is plain host memory behind a pointer, tied to no thread; `&mut` is asked for to change it.
unsafe impl Send for Descriptor {}
// SAFETY: the library only reads it through `&self`.
unsafe impl Sync for Descriptor {}

impl Descriptor {
    /// Describes a product: how it is computed, and the type of its scale.
    pub(super) fn operation(table: &Arc<Table>, compute: i32, scale: i32) -> Result<Self, String> {
        let create = table.cublasLtMatmulDescCreate()?;
        let (destroy, set) = (table.cublasLtMatmulDescDestroy()?, table.cublasLtMatmulDescSetAttribute()?);
        // SAFETY: `object` is a place for the pointer.
        Self::new(table, "cublasLtMatmulDescCreate", destroy, set, |object| unsafe {
            create(object, compute, scale)
        })
    }

    /// Describes a matrix.
    pub(super) fn layout(
        table: &Arc<Table>,
        dtype: i32,
        rows: usize,
        columns: usize,
        leading: usize,
    ) -> Result<Self, String> {
        let create = table.cublasLtMatrixLayoutCreate()?;
        let (destroy, set) =
            (table.cublasLtMatrixLayoutDestroy()?, table.cublasLtMatrixLayoutSetAttribute()?);
        let leading = i64::try_from(leading).map_err(|_| format!("a leading dimension of {leading}"))?;
        // SAFETY: as above.
        Self::new(table, "cublasLtMatrixLayoutCreate", destroy, set, |object| unsafe {
            create(object, dtype, rows as u64, columns as u64, leading)
        })
    }

    /// Describes what is wanted of an algorithm.
    pub(super) fn preference(table: &Arc<Table>) -> Result<Self, String> {
        let create = table.cublasLtMatmulPreferenceCreate()?;
        let (destroy, set) =
            (table.cublasLtMatmulPreferenceDestroy()?, table.cublasLtMatmulPreferenceSetAttribute()?);
        // SAFETY: as above.
        Self::new(table, "cublasLtMatmulPreferenceCreate", destroy, set, |object| unsafe { create(object) })
    }

    fn new(
        table: &Arc<Table>,
        function: &str,
        destroy: Destroy,
        set: Set,
        create: impl FnOnce(*mut Object) -> i32,
    ) -> Result<Self, String> {
        let mut object = std::ptr::null_mut();
        table.check(create(&mut object), function)?;
        Ok(Self { object, destroy, set, table: table.clone() })
    }

    /// Sets an attribute, which must be of the type that the library's documentation gives.
    pub(super) fn set<T: Copy>(&mut self, attribute: i32, value: T) -> Result<(), String> {
        // SAFETY: the library copies as many bytes as `value` has, and refuses an attribute of another size.
        let status = unsafe { (self.set)(self.object, attribute, (&raw const value).cast(), size_of::<T>()) };
        self.table.check(status, "setting an attribute")
    }
}

impl Drop for Descriptor {
    fn drop(&mut self) {
        // SAFETY: made by the matching function, given back once.
        unsafe { (self.destroy)(self.object) };
    }
}

impl Table {
    /// Turns a status into an error that names the function, the number and the library's name for it.
    pub(super) fn check(&self, status: i32, function: &str) -> Result<(), String> {
        if status == 0 {
            return Ok(());
        }
        let name = self.cublasLtGetStatusName().ok().and_then(|name| {
            // SAFETY: takes any number; gives a string that stays, or null.
            let name = unsafe { name(status) };
            // SAFETY: not null, and ends in a zero.
            (!name.is_null()).then(|| unsafe { CStr::from_ptr(name) }.to_string_lossy().into_owned())
        });
        Err(format!("cuBLASLt: {function} gave {status} ({})", name.as_deref().unwrap_or("unknown")))
    }
}
