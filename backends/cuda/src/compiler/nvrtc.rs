//! The compiler in NVIDIA's library.

use crate::libraries::{self, Library, Status, table};
use cudarc::nvrtc::sys::nvrtcProgram;
use std::ffi::{CStr, CString, c_char, c_int};
use std::ptr::{null, null_mut};
use std::sync::OnceLock;

table! {
    struct Api {
        nvrtcCreateProgram(
            program: *mut nvrtcProgram,
            source: *const c_char,
            name: *const c_char,
            headers: c_int,
            contents: *const *const c_char,
            names: *const *const c_char,
        );
        nvrtcCompileProgram(program: nvrtcProgram, count: c_int, options: *const *const c_char);
        nvrtcDestroyProgram(program: *mut nvrtcProgram);
        nvrtcGetCUBINSize(program: nvrtcProgram, bytes: *mut usize);
        nvrtcGetCUBIN(program: nvrtcProgram, code: *mut c_char);
        nvrtcGetProgramLogSize(program: nvrtcProgram, bytes: *mut usize);
        nvrtcGetProgramLog(program: nvrtcProgram, log: *mut c_char);
    }
}

/// The compiler. Several threads may compile at once.
pub(super) struct Nvrtc {
    api: Api,
    message: unsafe extern "C" fn(c_int) -> *const c_char,
    /// `13.0`
    pub(super) version: String,
}

/// NVRTC, looked for at the first call, or why there is none and what to do.
pub(super) fn nvrtc() -> Result<&'static Nvrtc, &'static (String, String)> {
    static NVRTC: OnceLock<Result<Nvrtc, (String, String)>> = OnceLock::new();
    NVRTC.get_or_init(load).as_ref()
}

fn load() -> Result<Nvrtc, (String, String)> {
    let remedy = || Library::Nvrtc.remedy();
    let found = libraries::find(Library::Nvrtc).map_err(|missing| (missing.to_string(), remedy()))?;
    let version = found.version.clone();
    let lacks = |what: &str| {
        let version = found.version.as_deref().unwrap_or("of an unknown version");
        (format!("NVRTC {version} at {} lacks {what}", found.path.display()), remedy())
    };
    let api = Api::load(found.library).map_err(|missing| lacks(&missing.join(", ")))?;
    // SAFETY: `const char *nvrtcGetErrorString(nvrtcResult)`.
    let message = unsafe {
        found.library.get::<unsafe extern "C" fn(c_int) -> *const c_char>(b"nvrtcGetErrorString\0")
    };
    let message = *message.map_err(|_| lacks("nvrtcGetErrorString"))?;
    Ok(Nvrtc { api, message, version: version.ok_or_else(|| lacks("nvrtcVersion"))? })
}

/// A program being compiled. Destroyed when dropped.
struct Program<'n> {
    nvrtc: &'n Nvrtc,
    raw: nvrtcProgram,
}

impl Nvrtc {
    /// A cubin, and the compiler's log, which is empty where it warns of nothing. An error holds the log too.
    pub(super) fn compile(
        &self,
        entry: &str,
        source: &str,
        options: &[String],
    ) -> Result<(Vec<u8>, String), String> {
        let failed = |reason: String| {
            format!(
                "kernel `{entry}` does not compile by NVRTC {} with {}: {reason}",
                self.version,
                options.join(" ")
            )
        };
        let text = |text: &str| CString::new(text).map_err(|_| failed("there is a NUL in it".into()));
        let (source, name) = (text(source)?, text(&format!("{entry}.cu"))?);
        let options = options.iter().map(|option| text(option)).collect::<Result<Vec<_>, _>>()?;
        let program = Program::new(self, &source, &name).map_err(|status| failed(self.describe(status)))?;
        let pointers: Vec<_> = options.iter().map(|option| option.as_ptr()).collect();
        // SAFETY: the program is alive; there are as many options as are said, each a string.
        let compiled =
            unsafe { self.api.nvrtcCompileProgram(program.raw, pointers.len() as c_int, pointers.as_ptr()) };
        compiled.map_err(|status| {
            let log = program.log().unwrap_or_else(|status| self.describe(status));
            failed(format!("{}\n{log}", self.describe(status)))
        })?;
        let made = program.cubin().and_then(|code| Ok((code, program.log()?)));
        made.map_err(|status| failed(self.describe(status)))
    }

    fn describe(&self, status: Status) -> String {
        // SAFETY: any number may be asked for; the string is never freed.
        let message = unsafe { (self.message)(status.code) };
        let message = match message.is_null() {
            true => "which NVRTC does not describe".into(),
            // SAFETY: as above.
            false => unsafe { CStr::from_ptr(message) }.to_string_lossy(),
        };
        format!("{}: code {}, {message}", status.call, status.code)
    }
}

impl<'n> Program<'n> {
    fn new(nvrtc: &'n Nvrtc, source: &CStr, name: &CStr) -> Result<Self, Status> {
        let mut raw = null_mut();
        // SAFETY: the handle may be written; both are strings; there are no headers.
        unsafe { nvrtc.api.nvrtcCreateProgram(&mut raw, source.as_ptr(), name.as_ptr(), 0, null(), null()) }?;
        Ok(Self { nvrtc, raw })
    }

    fn cubin(&self) -> Result<Vec<u8>, Status> {
        let mut bytes = 0;
        // SAFETY: the program is alive; the number may be written.
        unsafe { self.nvrtc.api.nvrtcGetCUBINSize(self.raw, &mut bytes) }?;
        let mut code = vec![0_u8; bytes];
        // SAFETY: as above; the buffer is as large as was asked for.
        unsafe { self.nvrtc.api.nvrtcGetCUBIN(self.raw, code.as_mut_ptr().cast()) }?;
        Ok(code)
    }

    fn log(&self) -> Result<String, Status> {
        let mut bytes = 0;
        // SAFETY: the program is alive; the number may be written.
        unsafe { self.nvrtc.api.nvrtcGetProgramLogSize(self.raw, &mut bytes) }?;
        let mut log = vec![0_u8; bytes];
        // SAFETY: as above; the buffer is as large as was asked for.
        unsafe { self.nvrtc.api.nvrtcGetProgramLog(self.raw, log.as_mut_ptr().cast()) }?;
        Ok(String::from_utf8_lossy(&log).trim_end_matches('\0').trim_end().to_owned())
    }
}

impl Drop for Program<'_> {
    fn drop(&mut self) {
        // SAFETY: made once, destroyed once.
        let _ = unsafe { self.nvrtc.api.nvrtcDestroyProgram(&mut self.raw) };
    }
}
