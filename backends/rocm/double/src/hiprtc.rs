//! hiprtc, laid on NVRTC: the same text behind what NVRTC does not know, for the architecture of the device beneath.

use crate::beneath::{cu, nvrtc};
use crate::entry::run;
use crate::state;
use std::ffi::{CStr, CString, c_char, c_int};
use std::ptr::null;

/// `HIPRTC_ERROR_INVALID_INPUT` and `HIPRTC_ERROR_INVALID_OPTION`
const INVALID_INPUT: i32 = 3;
const INVALID_OPTION: i32 = 5;

/// What stands before a program's text.
const BEFORE: &str = include_str!("cuda.h");

/// Calls a function of NVRTC by its name.
macro_rules! rtc {
    ($name:literal($($arg:expr),* $(,)?) as fn($($ty:ty),* $(,)?)) => {
        match nvrtc($name) {
            Err(status) => status,
            Ok(address) => {
                // SAFETY: NVRTC's function of this name has this type; the arguments are the caller's own or ours.
                unsafe {
                    let call: unsafe extern "C" fn($($ty),*) -> i32 = std::mem::transmute(address);
                    call($($arg),*)
                }
            }
        }
    };
}

/// A string that the caller gives.
fn text(pointer: *const c_char) -> Result<String, (i32, String)> {
    if pointer.is_null() {
        return Err((INVALID_INPUT, "a null pointer".into()));
    }
    // SAFETY: the caller's string, which hiprtc would read as well.
    Ok(unsafe { CStr::from_ptr(pointer) }.to_string_lossy().into_owned())
}

/// hiprtc's `hiprtcVersion`.
#[unsafe(no_mangle)]
pub extern "C" fn hiprtcVersion(major: *mut c_int, minor: *mut c_int) -> i32 {
    // Whoever looks for a compiler finds none where there is none.
    run("hiprtcVersion", "", String::new, || {
        Ok(rtc!("nvrtcVersion"(major, minor) as fn(*mut c_int, *mut c_int)))
    })
}

/// hiprtc's `hiprtcCreateProgram`, without headers.
#[unsafe(no_mangle)]
pub extern "C" fn hiprtcCreateProgram(
    program: *mut u64,
    source: *const c_char,
    name: *const c_char,
    headers: c_int,
    _contents: *const *const c_char,
    _names: *const *const c_char,
) -> i32 {
    run(
        "hiprtcCreateProgram",
        "",
        || format!("headers={headers}"),
        || {
            let whole = CString::new(format!("{BEFORE}\n#line 1\n{}", text(source)?));
            let whole = whole.map_err(|_| (INVALID_INPUT, "a NUL in the text".to_owned()))?;
            let named = text(name)?;
            let status = rtc!("nvrtcCreateProgram"(program, whole.as_ptr(), name, 0, null(), null())
                as fn(
                    *mut u64,
                    *const c_char,
                    *const c_char,
                    c_int,
                    *const *const c_char,
                    *const *const c_char,
                ));
            if status == 0 {
                // SAFETY: it has just been written.
                state::lock().programs.insert(unsafe { *program }, named);
            }
            Ok(status)
        },
    )
}

/// hiprtc's `hiprtcCompileProgram`. The architecture must be named, as hiprtc has no device to ask where there is none.
#[unsafe(no_mangle)]
pub extern "C" fn hiprtcCompileProgram(program: u64, count: c_int, options: *const *const c_char) -> i32 {
    let name = state::lock().programs.get(&program).cloned().unwrap_or_default();
    run(
        "hiprtcCompileProgram",
        "",
        || format!("name={name}"),
        || {
            let count = usize::try_from(count).unwrap_or(0);
            // SAFETY: the caller gives so many strings.
            let given =
                (0..count).map(|i| text(unsafe { *options.add(i) })).collect::<Result<Vec<_>, _>>()?;
            let pretended = state::lock().config.arch.clone();
            if !given.contains(&format!("--offload-arch={pretended}")) {
                return Err((INVALID_OPTION, format!("--offload-arch is not {pretended}: {given:?}")));
            }
            let mut own = vec![format!("--gpu-architecture=sm_{}", capability())];
            for option in given.iter().filter(|option| !option.starts_with("--offload-arch=")) {
                if !(option.starts_with("--std=") || option.starts_with("-D") || option.starts_with("-O")) {
                    return Err((INVALID_OPTION, format!("{option} is not known")));
                }
                own.push(option.clone());
            }
            let own: Vec<CString> = own.into_iter().filter_map(|option| CString::new(option).ok()).collect();
            let pointers: Vec<_> = own.iter().map(|option| option.as_ptr()).collect();
            Ok(rtc!("nvrtcCompileProgram"(program, pointers.len() as c_int, pointers.as_ptr())
                as fn(u64, c_int, *const *const c_char)))
        },
    )
}

/// Compute capability times ten of the device beneath.
fn capability() -> i32 {
    let mut parts = [9, 0];
    for (part, attribute) in parts.iter_mut().zip([75, 76]) {
        let _ = cu!("cuDeviceGetAttribute"(part, attribute, 0) as fn(*mut i32, i32, i32));
    }
    parts[0] * 10 + parts[1]
}

/// hiprtc's `hiprtcDestroyProgram`.
#[unsafe(no_mangle)]
pub extern "C" fn hiprtcDestroyProgram(program: *mut u64) -> i32 {
    run("hiprtcDestroyProgram", "", String::new, || {
        if program.is_null() {
            return Err((INVALID_INPUT, "a null pointer".into()));
        }
        // SAFETY: the caller's handle.
        state::lock().programs.remove(&unsafe { *program });
        Ok(rtc!("nvrtcDestroyProgram"(program) as fn(*mut u64)))
    })
}

/// Exports functions that are NVRTC's own under another name.
macro_rules! same {
    ($(fn $name:ident($($arg:ident: $ty:ty),*) = $own:literal;)*) => {
        $(
            #[doc = concat!("hiprtc's `", stringify!($name), "`.")]
            #[unsafe(no_mangle)]
            pub extern "C" fn $name($($arg: $ty),*) -> i32 {
                run(stringify!($name), "", String::new, || Ok(rtc!($own($($arg),*) as fn($($ty),*))))
            }
        )*
    };
}

same! {
    fn hiprtcGetCodeSize(program: u64, bytes: *mut usize) = "nvrtcGetCUBINSize";
    fn hiprtcGetCode(program: u64, code: *mut c_char) = "nvrtcGetCUBIN";
    fn hiprtcGetProgramLogSize(program: u64, bytes: *mut usize) = "nvrtcGetProgramLogSize";
    fn hiprtcGetProgramLog(program: u64, log: *mut c_char) = "nvrtcGetProgramLog";
}

/// hiprtc's `hiprtcGetErrorString`.
#[unsafe(no_mangle)]
pub extern "C" fn hiprtcGetErrorString(code: c_int) -> *const c_char {
    let text = match code {
        0 => c"HIPRTC_SUCCESS",
        1 => c"HIPRTC_ERROR_OUT_OF_MEMORY",
        3 => c"HIPRTC_ERROR_INVALID_INPUT",
        4 => c"HIPRTC_ERROR_INVALID_PROGRAM",
        5 => c"HIPRTC_ERROR_INVALID_OPTION",
        6 => c"HIPRTC_ERROR_COMPILATION",
        100 => c"HIPRTC_ERROR_LINKING",
        _ => c"HIPRTC_ERROR_UNKNOWN",
    };
    text.as_ptr()
}
