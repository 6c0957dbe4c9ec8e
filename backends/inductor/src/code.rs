//! A package's library, and containers made by it.

use crate::libtorch::{Handle, Libtorch, table};
use crate::tensor::{Place, Tensor, scalar_type};
use crate::{Error, Package, Result};
use libloading::os::unix::Library;
use std::ffi::{CStr, CString, c_char, c_void};
use std::ptr;
use std::sync::Arc;
use tintype_program::{DType, Program, TensorType};

/// Constants of a package are laid out in multiples of so many bytes.
const FILLED: usize = 64;
/// Where a weight must start on a device: a misplaced one fails a later product, and the context with it.
const ALIGNED: usize = 256;

#[repr(C)]
pub(crate) struct Pair {
    name: *const c_char,
    handle: Handle,
}

table! {
    /// What every package's library has.
    Functions {
        AOTInductorModelContainerCreateWithDevice: fn(*mut Handle, usize, *const c_char, *const c_char) -> i32,
        AOTInductorModelContainerDelete: fn(Handle) -> i32,
        AOTInductorModelContainerRunSingleThreaded:
            fn(Handle, *mut Handle, usize, *mut Handle, usize, Handle, Handle) -> i32,
        AOTInductorModelContainerGetNumConstants: fn(Handle, *mut usize) -> i32,
        AOTInductorModelContainerGetConstantName: fn(Handle, usize, *mut *const c_char) -> i32,
        AOTInductorModelContainerGetConstantOriginalFQN: fn(Handle, usize, *mut *const c_char) -> i32,
        AOTInductorModelContainerGetConstantDtype: fn(Handle, usize, *mut i32) -> i32,
        AOTInductorModelContainerGetConstantDataSize: fn(Handle, usize, *mut usize) -> i32,
        AOTInductorModelContainerUpdateUserManagedConstantBufferPairs:
            fn(Handle, *const Pair, usize, bool, bool) -> i32,
        AOTInductorModelContainerGetNumInputs: fn(Handle, *mut usize) -> i32,
        AOTInductorModelContainerGetNumOutputs: fn(Handle, *mut usize) -> i32,
    }
}

/// A package's library, open for as long as the process lasts.
pub(crate) struct Code {
    pub(crate) torch: Arc<Libtorch>,
    functions: Functions,
    package: Package,
}

/// The types of all that a run touches, in the order of a call.
#[derive(Clone)]
pub(crate) struct Rim {
    /// Inputs, then states.
    pub(crate) arguments: Vec<TensorType>,
    /// Outputs, then states.
    pub(crate) results: Vec<TensorType>,
    /// As they are stored: encoded ones are rows of bytes.
    pub(crate) params: Vec<TensorType>,
}

impl Rim {
    pub(crate) fn of(program: &Program) -> std::result::Result<Self, String> {
        let entry = program.entry();
        let states: Vec<_> = entry.states.iter().map(|state| entry.ty(state.value).clone()).collect();
        let types = |ports: &[tintype_program::Port]| -> Vec<TensorType> {
            ports.iter().map(|port| entry.ty(port.value).clone()).chain(states.iter().cloned()).collect()
        };
        let params = entry.params.iter().map(|param| {
            let ty = entry.ty(param.value);
            match param.encoding.is_plain() {
                true => Ok(ty.clone()),
                false => Ok(TensorType::new(DType::U8, [param.encoding.layout(ty)?.bytes()])),
            }
        });
        Ok(Self {
            arguments: types(&entry.inputs),
            results: types(&entry.outputs),
            params: params.collect::<std::result::Result<_, String>>()?,
        })
    }
}

impl Code {
    /// Loads a package that fits: its files are held against their digests first.
    pub(crate) fn load(torch: Arc<Libtorch>, package: &Package) -> Result<Self> {
        let refuse = |reason: String| Error::Package { path: package.path.clone(), reason };
        let bytes = package.manifest.checked_code(&package.path)?;
        let library =
            open(&bytes).map_err(|reason| refuse(format!("its library cannot be opened: {reason}")))?;
        let functions = Functions::of(&library).map_err(refuse)?;
        // Kernels and tables of it stay registered: it is not closed.
        std::mem::forget(library);
        Ok(Self { torch, functions, package: package.clone() })
    }

    fn refuse(&self, reason: impl Into<String>) -> Error {
        Error::Package { path: self.package.path.clone(), reason: reason.into() }
    }
}

/// Opens a library from its bytes, which nobody can change any more: not from the file, which may have changed since.
#[cfg(target_os = "linux")]
fn open(bytes: &[u8]) -> std::result::Result<Library, String> {
    use libloading::os::unix::{RTLD_LOCAL, RTLD_NOW};
    use std::fs::File;
    use std::io::Write;
    use std::os::fd::AsRawFd;
    let memory = rustix::fs::memfd_create("tintype-package", rustix::fs::MemfdFlags::CLOEXEC);
    let mut file = File::from(memory.map_err(|error| error.to_string())?);
    file.write_all(bytes).map_err(|error| error.to_string())?;
    let path = format!("/proc/self/fd/{}", file.as_raw_fd());
    // The loader knows a library by its path: the number must never stand for another one.
    std::mem::forget(file);
    // SAFETY: the package was made by the exporter and its digest was checked: its initialisers register kernels.
    unsafe { Library::open(Some(path), RTLD_NOW | RTLD_LOCAL) }.map_err(|error| error.to_string())
}

#[cfg(not(target_os = "linux"))]
fn open(_: &[u8]) -> std::result::Result<Library, String> {
    Err("packages are loaded on Linux only".into())
}

/// A model of a package with parameters of its own, for one Program: a package of a template serves several.
pub(crate) struct Container {
    code: Arc<Code>,
    rim: Arc<Rim>,
    handle: Handle,
    place: Place,
    /// What the package reads: its own name of each, and the parameter's position.
    constants: Vec<(CString, usize)>,
    /// Where the parameters lay when they were bound.
    bound: Vec<*const c_void>,
    is_bound: bool,
}

// SAFETY: a container is used by one thread at a time, which its `&mut` methods see to; nothing of it is tied to the thread
// that made it. The addresses are compared and never read through.
unsafe impl Send for Container {}

impl Container {
    /// A container, once the package is seen to take and give as many tensors as it should, and no other parameters.
    pub(crate) fn new(code: Arc<Code>, rim: Arc<Rim>, place: Place) -> Result<Self> {
        let device = CString::new(place.to_string()).map_err(|error| code.refuse(error.to_string()))?;
        let functions = &code.functions;
        let mut handle = ptr::null_mut();
        // SAFETY: the name is a C string; no folder of kernels is given, for they are in the library.
        let failed = unsafe {
            (functions.AOTInductorModelContainerCreateWithDevice)(
                &mut handle,
                1,
                device.as_ptr(),
                ptr::null(),
            )
        };
        if failed != 0 {
            return Err(code.refuse("libtorch makes no model of it, and says why on standard error"));
        }
        // From here on it is deleted whatever happens.
        let mut container = Self {
            code: Arc::clone(&code),
            rim: Arc::clone(&rim),
            handle,
            place,
            constants: Vec::new(),
            bound: Vec::new(),
            is_bound: false,
        };
        let (mut inputs, mut outputs, mut count) = (0, 0, 0);
        // SAFETY: the handle is a container's; each call writes one number.
        unsafe {
            (functions.AOTInductorModelContainerGetNumInputs)(handle, &mut inputs);
            (functions.AOTInductorModelContainerGetNumOutputs)(handle, &mut outputs);
            (functions.AOTInductorModelContainerGetNumConstants)(handle, &mut count);
        }
        if (inputs, outputs) != (rim.arguments.len(), rim.results.len()) {
            return Err(code.refuse(format!(
                "it takes {inputs} tensors and gives {outputs}, where {} and {} are meant",
                rim.arguments.len(),
                rim.results.len()
            )));
        }
        for index in 0..count {
            let constant = container.constant(index)?;
            container.constants.push(constant);
        }
        Ok(container)
    }

    /// The package's name for a constant, and which parameter it is.
    fn constant(&self, index: usize) -> Result<(CString, usize)> {
        let functions = &self.code.functions;
        let (mut name, mut original, mut dtype, mut bytes) = (ptr::null(), ptr::null(), 0, 0);
        // SAFETY: the index is below the number of constants; names live as long as the container.
        let failed = unsafe {
            (functions.AOTInductorModelContainerGetConstantName)(self.handle, index, &mut name)
                | (functions.AOTInductorModelContainerGetConstantOriginalFQN)(
                    self.handle,
                    index,
                    &mut original,
                )
                | (functions.AOTInductorModelContainerGetConstantDtype)(self.handle, index, &mut dtype)
                | (functions.AOTInductorModelContainerGetConstantDataSize)(self.handle, index, &mut bytes)
        };
        if failed != 0 || name.is_null() || original.is_null() {
            return Err(self.code.refuse(format!("it does not describe its constant {index}")));
        }
        // SAFETY: both are C strings of the container's, seen not to be null.
        let (name, original) = unsafe { (CStr::from_ptr(name).to_owned(), CStr::from_ptr(original)) };
        let original = original.to_string_lossy();
        let position = original.strip_prefix('p').and_then(|number| number.parse::<usize>().ok());
        let known = position.and_then(|position| Some((position, self.rim.params.get(position)?)));
        let Some((position, ty)) = known else {
            return Err(self
                .code
                .refuse(format!("it wants `{original}`, which is no parameter of the Program")));
        };
        // Inductor counts a constant's bytes with what fills them up.
        if dtype != scalar_type(ty.dtype)
            || bytes.next_multiple_of(FILLED) != ty.bytes().next_multiple_of(FILLED)
        {
            return Err(self.code.refuse(format!(
                "parameter {position} is {ty}, and it takes {bytes} bytes of dtype {dtype}"
            )));
        }
        Ok((name, position))
    }

    /// Runs once, on tensors for inputs and states, which it takes over, with parameters that lie where `params` says. Gives
    /// outputs, then what states become, as tensors that libtorch made.
    pub(crate) fn run(
        &mut self,
        arguments: Vec<Tensor>,
        params: &[*const c_void],
        stream: *mut c_void,
    ) -> std::result::Result<Vec<Tensor>, String> {
        let (code, rim) = (Arc::clone(&self.code), Arc::clone(&self.rim));
        let torch = &code.torch;
        if (arguments.len(), params.len()) != (rim.arguments.len(), rim.params.len()) {
            return Err("a package is run with another number of tensors than it takes".into());
        }
        // SAFETY: sets a switch of this thread.
        unsafe { (torch.functions.aoti_torch_grad_mode_set_enabled)(false) };
        if !self.is_bound || self.bound != params {
            self.bind(params)?;
        }
        let mut handles: Vec<Handle> = arguments.into_iter().map(Tensor::give).collect();
        let mut results: Vec<Handle> = vec![ptr::null_mut(); rim.results.len()];
        // SAFETY: handles are as many as the container said it takes and gives; it takes those of the arguments over. All
        // parameters that it reads are bound, at the places where they lie now.
        let failed = unsafe {
            (code.functions.AOTInductorModelContainerRunSingleThreaded)(
                self.handle,
                handles.as_mut_ptr(),
                handles.len(),
                results.as_mut_ptr(),
                results.len(),
                stream,
                ptr::null_mut(),
            )
        };
        if failed != 0 {
            let path = code.package.path.display();
            return Err(format!("the package {path} failed; libtorch says why on standard error"));
        }
        Ok(results.into_iter().map(|handle| Tensor::from_handle(torch, handle)).collect())
    }

    /// Tells the package where the parameters lie.
    fn bind(&mut self, params: &[*const c_void]) -> std::result::Result<(), String> {
        let code = Arc::clone(&self.code);
        let torch = &code.torch;
        // What was bound before is not to be run on if this fails.
        self.is_bound = false;
        let mut tensors = Vec::with_capacity(self.constants.len());
        for (_, position) in &self.constants {
            let (data, ty) =
                params.get(*position).zip(self.rim.params.get(*position)).ok_or("a weight is missing")?;
            if !self.place.is_host() && !data.addr().is_multiple_of(ALIGNED) {
                return Err(format!(
                    "parameter {position} lies at {:#x}, no multiple of {ALIGNED} bytes, as libraries want it",
                    data.addr()
                ));
            }
            tensors.push(Tensor::over(torch, *data, ty, self.place)?);
        }
        let named = self.constants.iter().zip(&tensors);
        let pairs: Vec<_> =
            named.map(|((name, _), tensor)| Pair { name: name.as_ptr(), handle: tensor.handle() }).collect();
        // SAFETY: names and tensors outlive the call, which keeps references of its own. All constants are there, and the
        // memory stays in place while the container may run: it is lent for every run, and compared with what was bound.
        let failed = unsafe {
            (code.functions.AOTInductorModelContainerUpdateUserManagedConstantBufferPairs)(
                self.handle,
                pairs.as_ptr(),
                pairs.len(),
                false,
                true,
            )
        };
        if failed != 0 {
            return Err("the package does not take its weights; libtorch says why on standard error".into());
        }
        self.bound = params.to_vec();
        self.is_bound = true;
        Ok(())
    }
}

impl Drop for Container {
    fn drop(&mut self) {
        // SAFETY: the handle is owned, and nothing of it runs.
        unsafe { (self.code.functions.AOTInductorModelContainerDelete)(self.handle) };
    }
}
