//! The stream that work is enqueued on.

use std::ffi::c_void;

/// A `CUstream`. Whoever made it keeps it, and its context, alive while anything prepared for it is in use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stream(pub *mut c_void);

// SAFETY: the pointer is only a name here. The driver takes it from any thread.
unsafe impl Send for Stream {}
// SAFETY: as above.
unsafe impl Sync for Stream {}
