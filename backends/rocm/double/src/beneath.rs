//! The CUDA driver that calls are laid on, and NVRTC.

use crate::config;
use crate::state::{self, DEVICE};
use libloading::Library;
use std::ffi::c_void;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

/// `hipErrorSharedObjectInitFailed`
pub(crate) const NOT_THERE: i32 = 303;

/// The driver: the one that the environment names, else the software double beside this file.
fn driver() -> Result<&'static Library, i32> {
    static DRIVER: OnceLock<Option<Library>> = OnceLock::new();
    let found = DRIVER.get_or_init(|| {
        let path = match std::env::var_os(config::FORWARD).filter(|path| !path.is_empty()) {
            Some(path) => PathBuf::from(path),
            None => beside()?,
        };
        load(&path)
    });
    found.as_ref().ok_or(NOT_THERE)
}

/// Whether a real driver was asked for.
pub(crate) fn is_real() -> bool {
    std::env::var_os(config::FORWARD).is_some_and(|path| !path.is_empty())
}

fn load(path: &Path) -> Option<Library> {
    // SAFETY: loading it runs its initialisers, which is what whoever set the path asks for.
    let opened = unsafe { Library::new(path) };
    opened.map_err(|error| eprintln!("tintype-rocm-double: {}: {error}", path.display())).ok()
}

/// The double of the CUDA driver in the folder of this library.
fn beside() -> Option<PathBuf> {
    let maps = std::fs::read_to_string("/proc/self/maps").ok()?;
    let here = beside as *const () as usize;
    let own = maps.lines().find_map(|line| {
        let (start, end) = line.split_once(' ')?.0.split_once('-')?;
        let range = usize::from_str_radix(start, 16).ok()?..usize::from_str_radix(end, 16).ok()?;
        range.contains(&here).then(|| PathBuf::from(&line[line.find('/').unwrap_or(line.len())..]))
    });
    Some(own?.with_file_name("libtintype_cuda_double.so"))
}

/// A function of the driver.
pub(crate) fn symbol(name: &str) -> Result<*mut c_void, i32> {
    // SAFETY: only the address is taken; whoever calls it declares its type.
    let found = unsafe { driver()?.get::<*mut c_void>(name.as_bytes()) };
    found.map(|symbol| *symbol).map_err(|_| NOT_THERE)
}

/// A function of NVRTC, opened with its built-in functions at the first call.
pub(crate) fn nvrtc(name: &str) -> Result<*mut c_void, i32> {
    static NVRTC: OnceLock<Option<(Library, Vec<Library>)>> = OnceLock::new();
    let open = || {
        let named = std::env::var_os(config::NVRTC).map(PathBuf::from).filter(|path| path.is_file());
        let in_environment = || {
            let prefix = PathBuf::from(std::env::var_os("VIRTUAL_ENV")?);
            let libs = std::fs::read_dir(prefix.join("lib")).ok()?;
            let mut all = libs.filter_map(|entry| {
                let packages = entry.ok()?.path().join("site-packages/nvidia");
                ["cu13/lib/libnvrtc.so.13", "cuda_nvrtc/lib/libnvrtc.so.12"]
                    .map(|file| packages.join(file))
                    .into_iter()
                    .find(|file| file.is_file())
            });
            all.next()
        };
        let path = named.or_else(in_environment).unwrap_or_else(|| "libnvrtc.so.13".into());
        let folder = path.parent().map(Path::to_path_buf).unwrap_or_default();
        let files =
            std::fs::read_dir(folder).into_iter().flatten().filter_map(|entry| Some(entry.ok()?.path()));
        let is_builtin = |path: &PathBuf| path.to_string_lossy().contains("libnvrtc-builtins.so.");
        // NVRTC asks the loader for them by name.
        let builtins = files.filter(is_builtin).filter_map(|path| load(&path)).collect();
        Some((load(&path)?, builtins))
    };
    let (library, _) = NVRTC.get_or_init(open).as_ref().ok_or(NOT_THERE)?;
    // SAFETY: only the address is taken; whoever calls it declares its type.
    unsafe { library.get::<*mut c_void>(name.as_bytes()) }.map(|symbol| *symbol).map_err(|_| NOT_THERE)
}

/// Calls a function of the driver beneath by its name.
macro_rules! cu {
    ($name:literal($($arg:expr),* $(,)?) as fn($($ty:ty),* $(,)?)) => {
        match $crate::beneath::symbol($name) {
            Err(status) => status,
            Ok(address) => {
                // SAFETY: the driver's function of this name has this type; the arguments are the caller's own or ours.
                unsafe {
                    let call: unsafe extern "C" fn($($ty),*) -> i32 = std::mem::transmute(address);
                    call($($arg),*)
                }
            }
        }
    };
}
pub(crate) use cu;

/// Makes this thread's device current in the driver beneath. HIP starts itself at the first call, and keeps each device's context.
pub(crate) fn enter() -> i32 {
    let device = DEVICE.get();
    let known = state::lock().contexts.get(&device).copied();
    let context = match known {
        Some(context) => context,
        None => {
            let mut context = 0_u64;
            let mut status = cu!("cuInit"(0) as fn(u32));
            if status == 0 {
                status = cu!("cuDevicePrimaryCtxRetain"(&mut context, device) as fn(*mut u64, i32));
            }
            if status != 0 {
                return status;
            }
            if let Some(first) = state::lock().contexts.insert(device, context) {
                // Another thread was first: one retain is enough.
                debug_assert_eq!(first, context);
                return cu!("cuDevicePrimaryCtxRelease_v2"(device) as fn(i32));
            }
            context
        }
    };
    cu!("cuCtxSetCurrent"(context) as fn(u64))
}
