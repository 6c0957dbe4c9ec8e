//! cuDNN's functions.

use crate::table::table;
use std::ffi::{CStr, c_char, c_void};
use std::fmt::Display;

/// An opaque object of the library: a descriptor, or a handle.
pub(super) type Object = *mut c_void;

table! {
    /// The part of cuDNN that is used: its backend API.
    Table {
        cudnnGetVersion() -> usize;
        cudnnGetErrorString(i32) -> *const c_char;
        cudnnGetLastErrorString(*mut c_char, usize);
        cudnnCreate(*mut Object) -> i32;
        cudnnDestroy(Object) -> i32;
        cudnnSetStream(Object, *mut c_void) -> i32;
        cudnnBackendCreateDescriptor(i32, *mut Object) -> i32;
        cudnnBackendDestroyDescriptor(Object) -> i32;
        cudnnBackendSetAttribute(Object, i32, i32, i64, *const c_void) -> i32;
        cudnnBackendGetAttribute(Object, i32, i32, i64, *mut i64, *mut c_void) -> i32;
        cudnnBackendFinalize(Object) -> i32;
        cudnnBackendExecute(Object, Object, Object) -> i32;
    }
}

impl Table {
    /// Turns a status into an error that names what was done, the number, and what the library says of it.
    pub(super) fn check(&self, status: i32, what: impl Display) -> Result<(), String> {
        if status == 0 {
            return Ok(());
        }
        let name = self.cudnnGetErrorString().ok().and_then(|name| {
            // SAFETY: takes any number; gives a string that stays, or null.
            let name = unsafe { name(status) };
            // SAFETY: not null, and ends in a zero.
            (!name.is_null()).then(|| unsafe { CStr::from_ptr(name) }.to_string_lossy().into_owned())
        });
        let mut text = format!("cuDNN: {what} gave {status} ({})", name.as_deref().unwrap_or("unknown"));
        if let Ok(last) = self.cudnnGetLastErrorString() {
            let mut said = [0u8; 1024];
            // SAFETY: there is room for as many bytes as are said, less the zero that stays at the end.
            unsafe { last(said.as_mut_ptr().cast(), said.len() - 1) };
            if let Ok(said) = CStr::from_bytes_until_nul(&said)
                && !said.is_empty()
            {
                text += &format!(": {}", said.to_string_lossy().trim());
            }
        }
        Err(text)
    }
}
