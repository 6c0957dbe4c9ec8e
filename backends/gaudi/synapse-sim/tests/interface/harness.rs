//! Opening the library, and running one node on data.

use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use libloading::Library;

pub const SUCCESS: i32 = 0;
pub const INVALID: i32 = 1;
pub const BUSY: i32 = 22;
pub const FAIL: i32 = 26;
pub const F32: i32 = 1 << 2;
pub const BF16: i32 = 1 << 1;
pub const I32: i32 = 1 << 4;

/// The library; one for the process, as one device is.
pub fn library() -> &'static Library {
    static LIBRARY: OnceLock<Library> = OnceLock::new();
    LIBRARY.get_or_init(|| {
        let folder = std::env::temp_dir().join(format!("synapse-sim-{}", std::process::id()));
        let path = tintype_synapse_sim::install(&folder).expect("the library is built");
        // SAFETY: the library's initialisers do nothing.
        unsafe { Library::new(path) }.expect("the library opens")
    })
}

/// Calls a function of the library: `call!(synStreamDestroy(stream => u64))`.
macro_rules! call {
    ($name:ident($($arg:expr => $kind:ty),* $(,)?)) => {{
        // SAFETY: the types are those of the prototype.
        unsafe {
            let function: libloading::Symbol<unsafe extern "C" fn($($kind),*) -> i32> =
                $crate::harness::library().get(stringify!($name).as_bytes()).expect(stringify!($name));
            function($($arg),*)
        }
    }};
}
/// The same, and it must succeed.
macro_rules! must {
    ($($call:tt)*) => { assert_eq!($crate::harness::call!($($call)*), 0, stringify!($($call)*)) };
}
pub(crate) use {call, must};

/// A session with the device; tests take turns.
pub struct Session {
    pub stream: u64,
    _turn: MutexGuard<'static, ()>,
}

impl Session {
    pub fn open() -> Session {
        static TURN: Mutex<()> = Mutex::new(());
        let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
        must!(synInitialize());
        call!(synDeviceRelease(0 => u32));
        must!(synapse_sim_reset());
        let (mut id, mut stream) = (9, 0);
        must!(synDeviceAcquireByDeviceType(&mut id => *mut u32, 4 => i32));
        assert_eq!(id, 0);
        must!(synStreamCreateGeneric(&mut stream => *mut u64, 0 => u32, 0 => u32));
        Session { stream, _turn: turn }
    }

    pub fn malloc(&self, size: u64) -> u64 {
        let mut address = 0;
        must!(synDeviceMalloc(0 => u32, size => u64, 0 => u64, 0 => u32, &mut address => *mut u64));
        address
    }

    /// Copies bytes to new device memory.
    pub fn upload(&self, bytes: &[u8]) -> u64 {
        let address = self.malloc(bytes.len() as u64);
        must!(synHostMap(0 => u32, bytes.len() as u64 => u64, bytes.as_ptr() => *const u8));
        must!(synMemCopyAsync(self.stream => u64, bytes.as_ptr() as u64 => u64, bytes.len() as u64 => u64, address => u64, 0 => i32));
        must!(synStreamSynchronize(self.stream => u64));
        must!(synHostUnmap(0 => u32, bytes.as_ptr() => *const u8));
        address
    }

    pub fn download(&self, address: u64, size: usize) -> Vec<u8> {
        let bytes = vec![0u8; size];
        must!(synHostMap(0 => u32, size as u64 => u64, bytes.as_ptr() => *const u8));
        must!(synMemCopyAsync(self.stream => u64, address => u64, size as u64 => u64, bytes.as_ptr() as u64 => u64, 1 => i32));
        must!(synStreamSynchronize(self.stream => u64));
        must!(synHostUnmap(0 => u32, bytes.as_ptr() => *const u8));
        bytes
    }
}

/// A text of the library's own functions.
pub fn text(name: &str) -> String {
    let mut buffer = vec![0u8; 1 << 16];
    // SAFETY: the types are those of the prototype.
    let status = unsafe {
        let function: libloading::Symbol<unsafe extern "C" fn(*mut u8, usize, *mut usize) -> i32> =
            library().get(name.as_bytes()).expect("a function");
        function(buffer.as_mut_ptr(), buffer.len(), std::ptr::null_mut())
    };
    assert_eq!(status, SUCCESS);
    let end = buffer.iter().position(|&byte| byte == 0).expect("an end");
    String::from_utf8(buffer[..end].to_vec()).expect("UTF-8")
}

pub fn c(text: &str) -> std::ffi::CString {
    std::ffi::CString::new(text).expect("no NUL")
}

/// A new graph.
pub fn graph() -> u64 {
    let mut graph = 0;
    must!(synGraphCreate(&mut graph => *mut u64, 4 => i32));
    graph
}

/// A tensor in a section of its own, or in the workspace without a name.
pub fn tensor(graph: u64, name: Option<&str>, sizes: &[u64], dtype: i32) -> u64 {
    let (mut section, mut tensor) = (0, 0);
    let c_name = name.map(c);
    let pointer = c_name.as_ref().map_or(std::ptr::null(), |name| name.as_ptr());
    must!(synTensorHandleCreate(&mut tensor => *mut u64, graph => u64, 0 => i32, pointer => *const std::ffi::c_char));
    let mut geometry = [0u64; 26];
    geometry[..sizes.len()].copy_from_slice(sizes);
    geometry[25] = sizes.len() as u64;
    must!(synTensorSetGeometry(tensor => u64, geometry.as_ptr() => *const u64, 1 => i32));
    must!(synTensorSetDeviceDataType(tensor => u64, dtype => i32));
    if name.is_some() {
        must!(synSectionCreate(&mut section => *mut u64, 0 => u64, graph => u64));
        must!(synTensorAssignToSection(tensor => u64, section => u64, 0 => u64));
    }
    tensor
}

pub fn node(
    graph: u64,
    guid: &str,
    inputs: &[u64],
    outputs: &[u64],
    params: &[u8],
    layouts: [&[&str]; 2],
) -> i32 {
    let guid = c(guid);
    let params_at = if params.is_empty() { std::ptr::null() } else { params.as_ptr() };
    let texts = layouts.map(|list| list.iter().map(|text| c(text)).collect::<Vec<_>>());
    let lists = [0, 1].map(|side| texts[side].iter().map(|text| text.as_ptr()).collect::<Vec<_>>());
    let at =
        |list: &Vec<*const std::ffi::c_char>| if list.is_empty() { std::ptr::null() } else { list.as_ptr() };
    call!(synNodeCreate(
        graph => u64, inputs.as_ptr() => *const u64, outputs.as_ptr() => *const u64,
        inputs.len() as u32 => u32, outputs.len() as u32 => u32,
        params_at => *const u8, params.len() as u32 => u32,
        guid.as_ptr() => *const std::ffi::c_char, guid.as_ptr() => *const std::ffi::c_char,
        at(&lists[0]) => *const *const std::ffi::c_char, at(&lists[1]) => *const *const std::ffi::c_char,
    ))
}

pub fn compile(graph: u64) -> Result<u64, i32> {
    let (mut recipe, name) = (0, c("test"));
    let status = call!(synGraphCompile(&mut recipe => *mut u64, graph => u64, name.as_ptr() => *const std::ffi::c_char, std::ptr::null() => *const u8));
    if status == SUCCESS { Ok(recipe) } else { Err(status) }
}

/// A launch argument as the structure has it.
#[repr(C)]
#[derive(Clone)]
pub struct Info {
    pub name: *const u8,
    pub address: u64,
    pub kind: i32,
    pub sizes: [u64; 25],
    pub id: u64,
}

pub fn info(recipe: u64, name: &str, address: u64) -> Info {
    let (name, mut id) = (c(name), 0);
    let names = [name.as_ptr()];
    must!(synTensorRetrieveIds(recipe => u64, names.as_ptr() => *const *const std::ffi::c_char, &mut id => *mut u64, 1 => u32));
    Info { name: std::ptr::null(), address, kind: 0, sizes: [0; 25], id }
}

/// Sizes, type, bytes; an input without bytes is absent.
pub type Operand<'a> = (&'a [u64], i32, Option<Vec<u8>>);

/// Runs one node; the outputs' bytes, or the compiler's status.
pub fn run(
    guid: &str,
    inputs: &[Operand],
    outputs: &[(&[u64], i32)],
    params: &[u8],
    layouts: [&[&str]; 2],
) -> Result<Vec<Vec<u8>>, i32> {
    let session = Session::open();
    let graph = graph();
    let (mut handles, mut addresses) = (Vec::new(), Vec::new());
    for (index, (sizes, dtype, bytes)) in inputs.iter().enumerate() {
        handles.push(match bytes {
            None => 0,
            Some(bytes) => {
                let name = format!("in{index}");
                addresses.push((name.clone(), session.upload(bytes)));
                tensor(graph, Some(&name), sizes, *dtype)
            }
        });
    }
    let mut results = Vec::new();
    let mut places = Vec::new();
    for (index, (sizes, dtype)) in outputs.iter().enumerate() {
        let name = format!("out{index}");
        let size = sizes.iter().product::<u64>()
            * match *dtype {
                F32 | I32 => 4,
                BF16 => 2,
                _ => 1,
            };
        let address = session.malloc(size);
        results.push(tensor(graph, Some(&name), sizes, *dtype));
        addresses.push((name, address));
        places.push((address, size as usize));
    }
    let status = node(graph, guid, &handles, &results, params, layouts);
    if status != SUCCESS {
        return Err(status);
    }
    let recipe = compile(graph)?;
    must!(synGraphDestroy(graph => u64));
    let infos: Vec<Info> = addresses.iter().map(|(name, address)| info(recipe, name, *address)).collect();
    must!(synLaunch(session.stream => u64, infos.as_ptr() => *const Info, infos.len() as u32 => u32, 0 => u64, recipe => u64, 0 => u32));
    must!(synStreamSynchronize(session.stream => u64));
    let outputs = places.into_iter().map(|(address, size)| session.download(address, size)).collect();
    must!(synRecipeDestroy(recipe => u64));
    Ok(outputs)
}
