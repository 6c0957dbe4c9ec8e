//! Loads the double as any program would: by path, through its C interface alone.

#![allow(dead_code, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::ffi::{CString, c_void};
use std::path::{Path, PathBuf};
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};

use libloading::Library;
use tempfile::TempDir;

/// The built `libtintype_cuda_double.so`, beside this test or one folder up.
pub fn built() -> PathBuf {
    let exe = std::env::current_exe().unwrap();
    let beside = exe.ancestors().skip(1).map(|folder| folder.join("libtintype_cuda_double.so"));
    beside.take(3).find(|path| path.exists()).expect("cargo builds the library before its tests")
}

/// A folder that holds the double as `libcuda.so.1`.
pub fn folder() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::os::unix::fs::symlink(built(), folder.path().join("libcuda.so.1")).unwrap();
    folder
}

pub struct Driver {
    library: Library,
    folder: TempDir,
}

static DRIVER: LazyLock<Mutex<Driver>> = LazyLock::new(|| {
    let folder = folder();
    Mutex::new(Driver::load(&folder.path().join("libcuda.so.1"), folder))
});

/// The double of this process, started anew; tests take turns.
pub fn fresh(machine: &str) -> MutexGuard<'static, Driver> {
    let driver = DRIVER.lock().unwrap_or_else(PoisonError::into_inner);
    let _ = std::fs::remove_file(driver.log_path());
    let log = CString::new(driver.log_path().to_str().unwrap()).unwrap();
    let machine = CString::new(machine).unwrap();
    driver.call(
        "tintype_double_configure",
        &[machine.as_ptr() as u64, c"".as_ptr() as u64, log.as_ptr() as u64],
    );
    driver
}

/// The same with a current context and a stream that does not wait for the default one.
pub fn ready(machine: &str) -> (MutexGuard<'static, Driver>, u64) {
    let driver = fresh(machine);
    driver.ok("cuInit", &[0]);
    let context = driver.made("cuDevicePrimaryCtxRetain", &[0]);
    driver.ok("cuCtxSetCurrent", &[context]);
    let stream = driver.made("cuStreamCreate", &[1]);
    (driver, stream)
}

impl Driver {
    pub fn load(path: &Path, folder: TempDir) -> Driver {
        // SAFETY: the library is the double, whose initialisers do nothing.
        let library = unsafe { Library::new(path) }.unwrap();
        Driver { library, folder }
    }

    pub fn log_path(&self) -> PathBuf {
        self.folder.path().join("log")
    }

    /// The log's lines.
    pub fn log(&self) -> Vec<String> {
        let text = std::fs::read_to_string(self.log_path()).unwrap_or_default();
        text.lines().map(String::from).collect()
    }

    /// The last line.
    pub fn last(&self) -> String {
        self.log().pop().unwrap_or_default()
    }

    pub fn symbol(&self, name: &str) -> *mut c_void {
        // SAFETY: only the address is taken.
        *unsafe { self.library.get::<*mut c_void>(name.as_bytes()) }
            .unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    /// Calls a function of up to 12 integers or pointers.
    pub fn call(&self, name: &str, args: &[u64]) -> u32 {
        call_at(self.symbol(name), args)
    }

    /// A call that must succeed.
    pub fn ok(&self, name: &str, args: &[u64]) {
        self.fails(name, args, 0);
    }

    /// A call that must give that status.
    pub fn fails(&self, name: &str, args: &[u64], status: u32) {
        assert_eq!(self.call(name, args), status, "{name}: {}", self.last());
    }

    /// What a call writes through the pointer that is its first parameter.
    pub fn made(&self, name: &str, args: &[u64]) -> u64 {
        let mut made = 0u64;
        let mut all = vec![&raw mut made as u64];
        all.extend(args);
        self.ok(name, &all);
        made
    }

    /// JSON text of `tintype_double_counts` or `tintype_double_live`.
    pub fn json(&self, name: &str) -> serde_json::Value {
        let mut buffer = vec![0u8; 1 << 16];
        let len = self.call(name, &[buffer.as_mut_ptr() as u64, buffer.len() as u64]) as usize;
        serde_json::from_slice(&buffer[..len - 1]).unwrap()
    }

    pub fn live(&self, kind: &str) -> u64 {
        self.json("tintype_double_live")[kind].as_u64().unwrap()
    }

    /// Page-locked memory of so many bytes.
    pub fn pinned(&self, bytes: usize) -> &'static mut [u8] {
        let pointer = self.made("cuMemHostAlloc", &[bytes as u64, 0]);
        // SAFETY: the double just made that many zeroed bytes, and the tests do not use them after they are freed.
        unsafe { std::slice::from_raw_parts_mut(pointer as *mut u8, bytes) }
    }

    /// A loaded module of the probe kernels, and a function of it.
    pub fn probe(&self, function: &str) -> (u64, u64) {
        let image = include_bytes!("../data/probe.sm_90a.cubin");
        let module = self.made("cuModuleLoadData", &[image.as_ptr() as u64]);
        let name = CString::new(function).unwrap();
        (module, self.made("cuModuleGetFunction", &[module, name.as_ptr() as u64]))
    }

    /// Launches a kernel of 8-byte parameters.
    pub fn launch(&self, function: u64, (grid, block): (u64, u64), stream: u64, parameters: &[u64]) -> u32 {
        let pointers: Vec<u64> = parameters.iter().map(|value| &raw const *value as u64).collect();
        let mut args = vec![function, grid, 1, 1, block, 1, 1, 0, stream, pointers.as_ptr() as u64, 0];
        args.push(0);
        self.call("cuLaunchKernel", &args)
    }
}

/// Calls a function by its address.
pub fn call_at(address: *mut c_void, args: &[u64]) -> u32 {
    let mut a = [0u64; 12];
    a[..args.len()].copy_from_slice(args);
    // SAFETY: every function of the driver takes integers and pointers; under the C calling conventions of the
    // machines that this runs on, a callee that takes fewer parameters than are passed leaves the rest alone.
    unsafe {
        let function: unsafe extern "C" fn(
            u64,
            u64,
            u64,
            u64,
            u64,
            u64,
            u64,
            u64,
            u64,
            u64,
            u64,
            u64,
        ) -> u32 = std::mem::transmute(address);
        function(a[0], a[1], a[2], a[3], a[4], a[5], a[6], a[7], a[8], a[9], a[10], a[11])
    }
}
