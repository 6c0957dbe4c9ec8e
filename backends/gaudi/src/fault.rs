//! Calls that failed.

use crate::sys::{Status, Synapse};
use std::ffi::{CStr, c_char};
use std::fmt;
use tintype_accel::Error;

/// A call of the library that did not succeed.
#[derive(Clone, Debug)]
pub(crate) struct Fault {
    pub(crate) call: &'static str,
    pub(crate) status: Status,
    /// What the library says of the status.
    description: String,
}

impl Fault {
    /// The result of a call.
    pub(crate) fn check(synapse: &Synapse, call: &'static str, status: i32) -> Result<(), Fault> {
        match Status(status) {
            Status::SUCCESS => Ok(()),
            status => {
                let description = [describe(synapse, status), detail(synapse)];
                let description = description.into_iter().filter(|text| !text.is_empty());
                Err(Fault { call, status, description: description.collect::<Vec<_>>().join(": ") })
            }
        }
    }

    /// As an error of a device.
    pub(crate) fn on(self, device: &str) -> Error {
        Error::Device { device: device.into(), reason: self.to_string() }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} returned {}", self.call, self.status)?;
        if !self.description.is_empty() {
            write!(f, ": {}", self.description)?;
        }
        Ok(())
    }
}

/// What later versions say of the last call that failed.
fn detail(synapse: &Synapse) -> String {
    let Some(last_message) = synapse.functions.last_message else { return String::new() };
    // SAFETY: takes nothing; what it points to stays until this thread's next call.
    let text = unsafe { last_message() };
    if text.is_null() {
        return String::new();
    }
    // SAFETY: a text of the library's that ends with a zero.
    unsafe { CStr::from_ptr(text) }.to_string_lossy().into_owned()
}

fn describe(synapse: &Synapse, status: Status) -> String {
    let mut text = [0 as c_char; 64];
    // SAFETY: the buffer is as long as is said, and the library writes no more than that.
    let told =
        unsafe { (synapse.functions.status_description)(status.0, text.as_mut_ptr(), text.len()) } == 0;
    text[63] = 0;
    // SAFETY: the buffer ends with a zero.
    let text = unsafe { CStr::from_ptr(text.as_ptr()) };
    if told { text.to_string_lossy().into_owned() } else { String::new() }
}
