//! What crosses the C boundary: pointers as newtypes, so that the rest of the crate needs no unsafe code.
//!
//! Declared by hand from the public driver interface. Handles are opaque pointers in C; here they are `u64`.

use std::ffi::{CStr, c_char, c_void};

use crate::status::{INVALID_VALUE, Refusal, refuse};

/// What a call answers.
pub type Answer<T = ()> = Result<T, Refusal>;
/// An opaque handle (context, stream, event, module, ...).
pub type Handle = u64;
/// A device address.
pub type DevicePtr = u64;
/// `CUhostFn`.
pub type HostFunction = Option<unsafe extern "C" fn(*mut c_void)>;

/// A pointer through which the caller wants a value. Only C callers make one.
#[repr(transparent)]
pub struct Out<T>(*mut T);

impl<T> Clone for Out<T> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<T> Copy for Out<T> {}

impl<T: Copy> Out<T> {
    /// A result that nobody wants.
    pub fn none() -> Self {
        Out(std::ptr::null_mut())
    }

    /// Writes the value; a null pointer is refused.
    pub fn put(self, value: T) -> Answer {
        if self.0.is_null() {
            return refuse(INVALID_VALUE, "a null pointer for a result");
        }
        // SAFETY: not null, and the C contract is that it points to room for a T.
        unsafe { self.0.write_unaligned(value) };
        Ok(())
    }

    /// Writes the value if the caller wants it.
    pub fn put_if(self, value: T) {
        if !self.0.is_null() {
            // SAFETY: as in `put`.
            unsafe { self.0.write_unaligned(value) };
        }
    }

    /// Writes to the `index`th element of an array.
    pub fn put_at(self, index: usize, value: T) {
        if !self.0.is_null() {
            // SAFETY: the C contract is that the array is as long as the caller said.
            unsafe { self.0.add(index).write_unaligned(value) };
        }
    }

    /// What an address points to that came across the boundary as a number.
    pub fn at(address: u64) -> Self {
        Out(address as *mut T)
    }

    /// The value, if the pointer is not null. Only for values that are known to be set.
    pub fn get(self) -> Option<T> {
        if self.0.is_null() {
            return None;
        }
        // SAFETY: not null; the caller set it, or the call that just succeeded did.
        Some(unsafe { self.0.read_unaligned() })
    }

    /// Whether the caller gave a pointer.
    pub fn is_null(self) -> bool {
        self.0.is_null()
    }
}

impl Out<u64> {
    /// ` name=0x...` after a call that succeeded, else nothing.
    pub fn shown(self, ok: bool, name: &str) -> String {
        match self.get() {
            Some(value) if ok => format!("{name}={value:#x}"),
            _ => String::new(),
        }
    }
}

/// A pointer to values that the caller gives.
#[repr(transparent)]
pub struct In<T>(*const T);

impl<T> Clone for In<T> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<T> Copy for In<T> {}

impl<T: Copy> In<T> {
    /// The value; a null pointer is refused.
    pub fn get(self) -> Answer<T> {
        self.at(0)
    }

    /// The `index`th value of an array.
    pub fn at(self, index: usize) -> Answer<T> {
        if self.0.is_null() {
            return refuse(INVALID_VALUE, "a null pointer for a parameter");
        }
        // SAFETY: not null, and the C contract is that it points to enough values.
        Ok(unsafe { self.0.add(index).read_unaligned() })
    }

    /// Whether the caller gave a pointer.
    pub fn is_null(self) -> bool {
        self.0.is_null()
    }

    /// The address itself.
    pub fn address(self) -> u64 {
        self.0 as u64
    }
}

/// A C string from the caller.
#[derive(Clone, Copy)]
#[repr(transparent)]
pub struct Text(*const c_char);

impl Text {
    /// The text; null is refused.
    pub fn get(self) -> Answer<String> {
        if self.0.is_null() {
            return refuse(INVALID_VALUE, "a null string");
        }
        // SAFETY: not null, and the C contract is a string that ends in a zero byte.
        Ok(unsafe { CStr::from_ptr(self.0) }.to_string_lossy().into_owned())
    }

    /// The text for the log.
    pub fn shown(self) -> String {
        self.get().unwrap_or_else(|_| "null".into())
    }
}

/// Writes `text` and a zero byte into a buffer of `len` bytes, cut where it does not fit.
/// Answers the bytes that the whole would take.
pub fn put_text(buffer: Out<u8>, len: usize, text: &str) -> usize {
    if len > 0 {
        let fits = text.len().min(len - 1);
        for (index, byte) in text.bytes().take(fits).chain([0]).enumerate() {
            buffer.put_at(index, byte);
        }
    }
    text.len() + 1
}

/// `CUlaunchConfig`.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct LaunchConfig {
    /// Blocks.
    pub grid: [u32; 3],
    /// Threads a block.
    pub block: [u32; 3],
    /// Dynamic shared memory in bytes.
    pub shared: u32,
    /// Stream.
    pub stream: Handle,
    /// Attributes.
    pub attributes: In<LaunchAttribute>,
    /// How many.
    pub count: u32,
}

/// `CUlaunchAttribute`: what it sets, padding, and 64 bytes of value.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct LaunchAttribute {
    /// `CUlaunchAttributeID`.
    pub id: u32,
    pad: u32,
    /// The union's bytes as words.
    pub value: [u32; 16],
}

/// `CUDA_GRAPH_INSTANTIATE_PARAMS`.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct InstantiateParams {
    /// Flags.
    pub flags: u64,
    /// Stream for the upload.
    pub upload: Handle,
    /// The node that failed.
    pub error_node: Handle,
    /// `CUgraphInstantiateResult`.
    pub result: u32,
}

/// `CUgraphExecUpdateResultInfo`.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct UpdateResult {
    /// `CUgraphExecUpdateResult`.
    pub result: u32,
    /// The node that differs.
    pub error_node: Handle,
    /// The other end of its edge.
    pub error_from: Handle,
}
