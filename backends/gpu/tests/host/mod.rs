//! A runtime without a GPU: `g++` compiles each kernel behind `shim.h`, and one fiber runs for each thread of a block. Slow, and
//! for small shapes only; it shows that kernels and plans compute what they should, and nothing of how fast.
#![allow(dead_code, clippy::unwrap_used, clippy::panic, reason = "a test's failure is a panic")]

use std::collections::HashMap;
use std::ffi::c_void;
use std::process::Command;
use std::sync::Mutex;
use tempfile::TempDir;
use tintype_accel::{Capabilities, Device, Error, HostBytes, LaunchMode, Result};
use tintype_gpu::{
    Architecture, Call, Dialect, Event, Graph, Incoming, Kernel, KernelSource, LibraryOp, MatrixUnit, Offer,
    Runtime, Scalar, prelude,
};
use tintype_program::DType;

/// What `shim.h` exports.
type Run =
    unsafe extern "C" fn(*const *const c_void, *const usize, usize, *const u32, *const u32, u32) -> i32;

/// A host that runs kernels.
pub struct Host {
    device: Device,
    architecture: Architecture,
    folder: TempDir,
    /// Memory by address; each a multiple of 256.
    memory: Mutex<HashMap<u64, Vec<u8>>>,
    kernels: Mutex<(HashMap<KernelSource, Kernel>, Vec<libloading::Library>)>,
}

/// Whether there is a compiler; says so where there is none.
pub fn available(test: &str) -> bool {
    let there = Command::new("g++").arg("--version").output().is_ok_and(|output| output.status.success());
    if !there {
        println!("{test}: NOT RUN, there is no g++ on PATH");
    }
    there
}

impl Host {
    /// One whose warps are of so many threads.
    pub fn new(warp: u32) -> Self {
        Self::of(Architecture {
            dialect: Dialect::Hip,
            matrix: MatrixUnit::None,
            warp,
            ..Architecture::hopper()
        })
    }

    /// One that has what an architecture has.
    pub fn of(architecture: Architecture) -> Self {
        let launch = vec![LaunchMode::Compiled, LaunchMode::Eager];
        let device = Device {
            backend: "host",
            ordinal: 0,
            id: "host:0".into(),
            name: "kernels on a host".into(),
            arch: "host".into(),
            memory: None,
            emulated: true,
            versions: Vec::new(),
            capabilities: Capabilities { dtypes: DType::ALL.to_vec(), launch },
        };
        let folder = tempfile::tempdir().unwrap();
        Self { device, architecture, folder, memory: Mutex::default(), kernels: Mutex::default() }
    }

    fn compiled(&self, source: &KernelSource, number: usize) -> libloading::Library {
        let at = |ending: &str| self.folder.path().join(format!("{number}.{ending}"));
        let text = format!(
            "#define WARP {}\n{}\n#undef WARP\n{}\n{}\nTINTYPE_ENTRY({})\n",
            self.architecture.warp,
            include_str!("shim.h"),
            prelude::text(&self.architecture),
            source.code,
            source.entry
        );
        std::fs::write(at("cpp"), text).unwrap();
        let output = Command::new("g++")
            .args(["-std=c++17", "-O1", "-w", "-ffp-contract=off", "-fno-strict-aliasing", "-fno-gnu-unique"])
            .args(["-shared", "-fPIC", "-o"])
            .args([at("so"), at("cpp")])
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{said}\n{}", source.code);
        // SAFETY: the library was compiled above from text that this workspace writes; loading it runs nothing of its own.
        unsafe { libloading::Library::new(at("so")).unwrap() }
    }
}

impl Runtime for Host {
    fn device(&self) -> &Device {
        &self.device
    }

    fn architecture(&self) -> &Architecture {
        &self.architecture
    }

    fn allocate(&self, bytes: usize, _: &str) -> Result<u64> {
        // Not zeros: what is not written shows.
        let memory = vec![0xa5; bytes + 256];
        let address = (memory.as_ptr() as u64).next_multiple_of(256);
        self.memory.lock().unwrap().insert(address, memory);
        Ok(address)
    }

    fn free(&self, address: u64) {
        self.memory.lock().unwrap().remove(&address);
    }

    fn free_memory(&self) -> Result<u64> {
        Ok(1 << 30)
    }

    fn upload(&self, to: u64, bytes: &HostBytes) -> Result<()> {
        let bytes = bytes.as_slice();
        // SAFETY: the caller owns memory of this runtime at `to`, of at least so many bytes; it runs nothing meanwhile.
        unsafe { std::ptr::copy(bytes.as_ptr(), to as *mut u8, bytes.len()) };
        Ok(())
    }

    fn copy(&self, to: u64, from: u64, bytes: usize) -> Result<()> {
        // SAFETY: both are memory of this runtime, of at least so many bytes.
        unsafe { std::ptr::copy(from as *const u8, to as *mut u8, bytes) };
        Ok(())
    }

    fn download(&self, from: u64, bytes: usize) -> Result<Box<dyn Incoming>> {
        // SAFETY: as for a copy.
        let bytes = unsafe { std::slice::from_raw_parts(from as *const u8, bytes) };
        Ok(Box::new(Here(Mutex::new(bytes.to_vec()))))
    }

    fn load(&self, source: &KernelSource) -> Result<Kernel> {
        let mut kernels = self.kernels.lock().unwrap();
        let (known, loaded) = &mut *kernels;
        if let Some(&kernel) = known.get(source) {
            return Ok(kernel);
        }
        loaded.push(self.compiled(source, loaded.len()));
        let kernel = Kernel(loaded.len() as u64 - 1);
        known.insert(source.clone(), kernel);
        Ok(kernel)
    }

    fn compiled(&self) -> u64 {
        self.kernels.lock().unwrap().1.len() as u64
    }

    fn launch(&self, call: &Call<'_>) -> Result<()> {
        // Addresses are 8 bytes wide here, as on a device; every scalar is read through its own 8.
        let of = |scalar: &Scalar| match *scalar {
            Scalar::Address(address) => (address, 8),
            Scalar::I32(value) => (u64::from(value as u32), 4),
            Scalar::I64(value) => (value as u64, 8),
            Scalar::F32(value) => (u64::from(value.to_bits()), 4),
        };
        let (values, sizes): (Vec<u64>, Vec<usize>) = call.params.iter().map(of).unzip();
        let pointers: Vec<*const c_void> = values.iter().map(|value| (value as *const u64).cast()).collect();
        let kernels = self.kernels.lock().unwrap();
        // SAFETY: the library exports `tintype_run` of this type; it checks number and sizes of the arguments.
        let code = unsafe {
            let run: libloading::Symbol<'_, Run> =
                kernels.1[call.kernel.0 as usize].get(b"tintype_run").unwrap();
            let (grid, block) = (call.grid.as_ptr(), call.block.as_ptr());
            run(pointers.as_ptr(), sizes.as_ptr(), sizes.len(), grid, block, call.shared)
        };
        assert_eq!(code, 0, "the arguments are not the kernel's parameters");
        Ok(())
    }

    fn prepare(&self, _: &LibraryOp) -> Offer {
        Err("there are no libraries".into())
    }

    fn record(&self) -> Result<Event> {
        Ok(Event(0))
    }

    fn poll(&self, _: &Event) -> Result<bool> {
        Ok(true)
    }

    fn wait(&self, _: &Event) -> Result<()> {
        Ok(())
    }

    fn release(&self, _: Event) {}

    fn synchronize(&self) -> Result<()> {
        Ok(())
    }

    fn capture(&self, _: &mut dyn FnMut() -> Result<()>) -> Result<Graph> {
        Err(Error::Internal { backend: "host".into(), reason: "nothing is captured here".into() })
    }

    fn replay(&self, _: &Graph) -> Result<()> {
        Err(Error::Internal { backend: "host".into(), reason: "nothing was captured".into() })
    }

    fn forget(&self, _: Graph) {}
}

/// A copy that is here at once.
struct Here(Mutex<Vec<u8>>);

impl Incoming for Here {
    fn poll(&self) -> Result<bool> {
        Ok(true)
    }

    fn wait(&self) -> Result<Vec<u8>> {
        Ok(std::mem::take(&mut *self.0.lock().unwrap()))
    }
}
