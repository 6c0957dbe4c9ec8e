//! Tests under a software double of a driver, each in a process of its own. Which double that is, `super::DOUBLE` says.

#![allow(dead_code)]

use super::DOUBLE;
use serde_json::Value;
use std::env;
use std::ffi::{CString, c_char};
use std::path::PathBuf;
use std::process::Command;

/// A software double: the variable that puts it in the driver's place, the one that describes the machine, and its file.
pub struct Names {
    pub driver: &'static str,
    pub machine: &'static str,
    pub file: &'static str,
}

/// Runs the test of this name in a process that finds the double in place of the driver, with this machine pretended.
/// Whether this is that process.
pub fn emulated(test: &str, machine: &str) -> bool {
    if env::var_os(DOUBLE.driver).is_some_and(|path| path == library().as_os_str()) {
        return true;
    }
    let cache = tempfile::tempdir().unwrap();
    let mut process = again(test, machine);
    let status = process.env("TINTYPE_KERNEL_CACHE", cache.path()).status().unwrap();
    assert!(status.success(), "{test} under the double");
    false
}

/// This program, to run one test under the double.
pub fn again(test: &str, machine: &str) -> Command {
    let mut process = Command::new(env::current_exe().unwrap());
    process.args(["--exact", test, "--nocapture"]);
    process.env(DOUBLE.driver, library()).env(DOUBLE.machine, machine);
    process
}

/// Cargo builds the double beside the tests.
fn library() -> PathBuf {
    let path = env::current_exe().unwrap().with_file_name(DOUBLE.file);
    assert!(path.exists(), "{} is not there", path.display());
    path
}

/// What is alive, the device's own pool aside.
pub fn alive(witness: &Witness) -> Vec<String> {
    let live = witness.live();
    let kinds = live.as_object().unwrap().iter();
    let left = kinds.filter(|(kind, count)| *kind != "pools" && count.as_u64() != Some(0));
    left.map(|(kind, count)| format!("{kind}: {count}")).collect()
}

/// What the double counts and is told, by functions that no driver has.
pub struct Witness(libloading::Library);

impl Witness {
    pub fn new() -> Self {
        // SAFETY: the double may be opened by any thread; it is open already.
        Self(unsafe { libloading::Library::new(library()) }.unwrap())
    }

    /// One of the driver's own functions, for who stands beside the plugin.
    pub fn function<F: Copy>(&self, name: &[u8]) -> F {
        // SAFETY: the caller names the type of the driver's function; the double stays open.
        *unsafe { self.0.get::<F>(name) }.unwrap()
    }

    /// What is alive, by kind.
    pub fn live(&self) -> Value {
        self.text(b"tintype_double_live\0")
    }

    /// Calls, failures and totals, by function.
    pub fn counts(&self) -> Value {
        self.text(b"tintype_double_counts\0")
    }

    /// Calls of a function since the counters were reset.
    pub fn calls(&self, function: &str) -> u64 {
        self.counts()["calls"][function].as_u64().unwrap_or(0)
    }

    pub fn reset(&self) {
        // SAFETY: takes and gives nothing.
        unsafe { self.0.get::<extern "C" fn()>(b"tintype_double_reset_counts\0").unwrap()() }
    }

    /// Starts the double anew.
    pub fn restart(&self, machine: &str) {
        let machine = CString::new(machine).unwrap();
        type Configure = extern "C" fn(*const c_char, *const c_char, *const c_char);
        // SAFETY: strings or null.
        let configure = unsafe { self.0.get::<Configure>(b"tintype_double_configure\0") }.unwrap();
        configure(machine.as_ptr(), std::ptr::null(), std::ptr::null());
    }

    /// The `nth` call of a function from now on fails.
    pub fn fail(&self, function: &str, nth: u64, status: u32) {
        let function = CString::new(function).unwrap();
        type Fail = extern "C" fn(*const c_char, u64, u32);
        // SAFETY: a string.
        let fail = unsafe { self.0.get::<Fail>(b"tintype_double_fail\0") }.unwrap();
        fail(function.as_ptr(), nth, status);
    }

    /// The same, but that call succeeds, and the status comes out of what is done next, and stays.
    pub fn fail_later(&self, function: &str, nth: u64, status: u32) {
        let function = CString::new(function).unwrap();
        type Fail = extern "C" fn(*const c_char, u64, u32);
        // SAFETY: a string.
        let fail = unsafe { self.0.get::<Fail>(b"tintype_double_fail_later\0") }.unwrap();
        fail(function.as_ptr(), nth, status);
    }

    fn text(&self, symbol: &[u8]) -> Value {
        // SAFETY: as the double declares it: writes at most so many bytes.
        let call = unsafe { self.0.get::<extern "C" fn(*mut u8, usize) -> usize>(symbol) }.unwrap();
        let mut buffer = vec![0_u8; 1 << 16];
        let length = call(buffer.as_mut_ptr(), buffer.len());
        serde_json::from_slice(&buffer[..length - 1]).unwrap()
    }
}
