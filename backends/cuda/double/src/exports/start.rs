//! Initialisation and error texts.

use std::ffi::c_char;

use crate::abi::Out;
use crate::status::{self, INVALID_VALUE, NO_DEVICE, NOT_SUPPORTED, UNKNOWN, refuse};

fn text(status: u32, out: Out<*const c_char>) -> crate::abi::Answer {
    match status::name(status) {
        Some(name) => out.put(name.as_ptr()),
        None => {
            out.put_if(std::ptr::null());
            refuse(INVALID_VALUE, format!("{status} is no status"))
        }
    }
}

crate::exports! {
    fn cuInit(flags: u32) {
        emulate: |d| {
            if let Some(complaint) = d.complaint.clone() {
                return refuse(UNKNOWN, complaint);
            }
            match d.config.init {
                _ if flags != 0 => refuse(INVALID_VALUE, "flags are 0"),
                0 if d.config.devices == 0 => refuse(NO_DEVICE, "configured without a device"),
                0 => {
                    d.initialized = true;
                    Ok(())
                }
                status => refuse(status, "configured to fail"),
            }
        },
    }

    fn cuDriverGetVersion(version: Out<i32>) {
        facts: |ok| if ok { format!("version={}", version.get().unwrap_or(0)) } else { String::new() },
        emulate: |d| version.put(d.config.driver),
    }

    fn cuGetErrorName(status: u32, name: Out<*const c_char>) {
        facts: |ok| format!("of={status}"),
        emulate: |d| text(status, name),
    }

    /// The double's text is the code's name.
    fn cuGetErrorString(status: u32, string: Out<*const c_char>) {
        facts: |ok| format!("of={status}"),
        emulate: |d| text(status, string),
    }

    /// Tables that only the vendor's own libraries understand.
    fn cuGetExportTable(table: Out<u64>, id: u64) {
        emulate: |d| refuse(NOT_SUPPORTED, "the double has no private tables"),
    }
}
