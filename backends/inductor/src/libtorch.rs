//! libtorch, found and opened when the first package is loaded.

use crate::{Error, Result};
use libloading::os::unix::{Library, RTLD_GLOBAL, RTLD_NOW};
use std::env;
use std::ffi::c_void;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex, PoisonError};

/// A tensor, or a package's container, as libtorch hands it out.
pub(crate) type Handle = *mut c_void;

/// The variable that names libtorch's folder.
pub const LIBTORCH: &str = "TINTYPE_LIBTORCH";
const FILE: &str = "libtorch.so";

macro_rules! table {
    ($(#[$doc:meta])* $name:ident { $($function:ident: fn($($ty:ty),*) $(-> $result:ty)?),* $(,)? }) => {
        $(#[$doc])*
        #[allow(non_snake_case, reason = "the names of a C interface")]
        pub(crate) struct $name { $(pub(crate) $function: unsafe extern "C" fn($($ty),*) $(-> $result)?),* }

        impl $name {
            /// Finds every function, or names the first that is missing.
            pub(crate) fn of(library: &Library) -> std::result::Result<Self, String> {
                Ok(Self { $($function: {
                    let name = stringify!($function);
                    // SAFETY: the type is that of the function of this name in PyTorch's headers (aoti_torch/c/shim.h,
                    // aoti_runtime/interface.h); the library is never closed, so the pointer stays good.
                    let found = unsafe { library.get::<unsafe extern "C" fn($($ty),*) $(-> $result)?>(name) };
                    *found.map_err(|error| format!("it has no {name}: {error}"))?
                }),* })
            }
        }
    };
}
pub(crate) use table;

table! {
    /// What of libtorch's stable C interface is called.
    Functions {
        aoti_torch_abi_version: fn() -> u64,
        aoti_torch_grad_mode_set_enabled: fn(bool),
        aoti_torch_create_tensor_from_blob_v2:
            fn(*mut c_void, i64, *const i64, *const i64, i64, i32, i32, i32, *mut Handle, i32, *const u8, i64) -> i32,
        aoti_torch_layout_strided: fn() -> i32,
        aoti_torch_new_tensor_handle: fn(Handle, *mut Handle) -> i32,
        aoti_torch_delete_tensor_object: fn(Handle) -> i32,
        aoti_torch_get_data_ptr: fn(Handle, *mut *mut c_void) -> i32,
        aoti_torch_get_dim: fn(Handle, *mut i64) -> i32,
        aoti_torch_get_sizes: fn(Handle, *mut *mut i64) -> i32,
        aoti_torch_get_strides: fn(Handle, *mut *mut i64) -> i32,
        aoti_torch_get_dtype: fn(Handle, *mut i32) -> i32,
    }
}

table! {
    /// `at::globalContext()` and `at::Context::setAllowTF32CuDNN(bool)`, for which the stable interface has no word.
    Precision {
        _ZN2at13globalContextEv: fn() -> *mut c_void,
        _ZN2at7Context17setAllowTF32CuDNNEb: fn(*mut c_void, bool),
    }
}

/// libtorch, open for as long as the process lasts: it cannot be closed and opened again.
pub struct Libtorch {
    pub(crate) functions: Functions,
    /// Or what it lacks.
    precision: std::result::Result<Precision, String>,
    path: PathBuf,
    version: String,
}

static OPEN: Mutex<Option<Arc<Libtorch>>> = Mutex::new(None);

impl Libtorch {
    /// The libtorch of this process, opened now if it was not: from [`LIBTORCH`], else from the torch of the Python that is
    /// found, else as the loader finds it.
    pub fn open() -> Result<Arc<Self>> {
        let mut open = OPEN.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(library) = &*open {
            return Ok(Arc::clone(library));
        }
        let library = Arc::new(Self::find()?);
        Ok(Arc::clone(open.insert(library)))
    }

    fn find() -> Result<Self> {
        if let Some(folder) = env::var_os(LIBTORCH) {
            // Named, so nothing else is tried.
            return Self::load(&Path::new(&folder).join(FILE))
                .map_err(|reason| Error::NoLibtorch { searched: format!("{LIBTORCH}: {reason}") });
        }
        let mut searched = Vec::new();
        for candidate in beside_python().into_iter().chain([PathBuf::from(FILE)]) {
            match Self::load(&candidate) {
                Ok(library) => return Ok(library),
                Err(reason) => searched.push(reason),
            }
        }
        Err(Error::NoLibtorch { searched: searched.join("; ") })
    }

    fn load(path: &Path) -> std::result::Result<Self, String> {
        // SAFETY: libtorch's initialisers run, as in any process that is linked with it. It is opened for all, since packages
        // name no library of theirs by path and find its functions among what is open.
        let library = unsafe { Library::open(Some(path), RTLD_NOW | RTLD_GLOBAL) };
        let library = library.map_err(|error| format!("{}: {error}", path.display()))?;
        let functions = Functions::of(&library).map_err(|reason| format!("{}: {reason}", path.display()))?;
        let precision = Precision::of(&library);
        // It has threads and tables of the process: closing it is not foreseen.
        std::mem::forget(library);
        // SAFETY: takes nothing and gives a number: major, minor, patch, from the highest byte on.
        let number = unsafe { (functions.aoti_torch_abi_version)() };
        let [major, minor, patch, ..] = number.to_be_bytes();
        Ok(Self { functions, precision, path: path.into(), version: format!("{major}.{minor}.{patch}") })
    }

    /// Whether convolutions of f32 on CUDA may round their factors to tf32. libtorch lets them unless it is told, and the whole process
    /// has one switch.
    pub(crate) fn allow_tf32(&self, allowed: bool) -> std::result::Result<(), String> {
        let precision = self.precision.as_ref().map_err(Clone::clone)?;
        // Held, since what is set is a table without a lock of its own.
        let _alone = OPEN.lock().unwrap_or_else(PoisonError::into_inner);
        // SAFETY: the functions of these names in ATen/Context.h; the context lives as long as the process.
        unsafe {
            (precision._ZN2at7Context17setAllowTF32CuDNNEb)((precision._ZN2at13globalContextEv)(), allowed)
        };
        Ok(())
    }

    /// Its version: `2.11.0`.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// Its file.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

/// The libtorch of the first Python that there is, without starting torch.
fn beside_python() -> Option<PathBuf> {
    let find = "import importlib.util as u; print(u.find_spec('torch').submodule_search_locations[0])";
    crate::python::interpreters().into_iter().find_map(|python| {
        let told =
            Command::new(python).args(["-c", find]).output().ok().filter(|told| told.status.success())?;
        let folder = String::from_utf8(told.stdout).ok()?;
        Some(Path::new(folder.trim()).join("lib").join(FILE))
    })
}
