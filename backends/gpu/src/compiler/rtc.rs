//! A vendor's compiler in a library: NVRTC and hiprtc, which agree in all but their names.

use crate::Dialect;
use crate::driver::{Handle, Opened, Status, name_of, table};
use std::ffi::{CStr, CString, c_char, c_int};
use std::ptr::{null, null_mut};

table! {
    struct Api {
        version["nvrtcVersion", "hiprtcVersion"](major: *mut c_int, minor: *mut c_int);
        create["nvrtcCreateProgram", "hiprtcCreateProgram"](
            program: *mut Handle,
            source: *const c_char,
            name: *const c_char,
            headers: c_int,
            contents: *const *const c_char,
            names: *const *const c_char,
        );
        compile["nvrtcCompileProgram", "hiprtcCompileProgram"](
            program: Handle,
            count: c_int,
            options: *const *const c_char,
        );
        destroy["nvrtcDestroyProgram", "hiprtcDestroyProgram"](program: *mut Handle);
        code_size["nvrtcGetCUBINSize", "hiprtcGetCodeSize"](program: Handle, bytes: *mut usize);
        code["nvrtcGetCUBIN", "hiprtcGetCode"](program: Handle, code: *mut c_char);
        log_size["nvrtcGetProgramLogSize", "hiprtcGetProgramLogSize"](program: Handle, bytes: *mut usize);
        log["nvrtcGetProgramLog", "hiprtcGetProgramLog"](program: Handle, log: *mut c_char);
    }
}

/// The compiler. Several threads may compile at once.
pub struct Rtc {
    api: Api,
    message: unsafe extern "C" fn(c_int) -> *const c_char,
    /// What people call it.
    title: &'static str,
    /// `13.0`
    pub version: String,
}

impl Rtc {
    /// The compiler in a library.
    ///
    /// # Errors
    ///
    /// What the library lacks.
    pub fn load(opened: &Opened, title: &'static str, dialect: Dialect) -> Result<Self, String> {
        let lacks = |what: &str| format!("{title} at {} lacks {what}", opened.path.display());
        let api = Api::load(opened.library, dialect).map_err(|missing| lacks(&missing.join(", ")))?;
        let name = name_of("", &["nvrtcGetErrorString", "hiprtcGetErrorString"], dialect);
        // SAFETY: `const char *f(result)` in both headers.
        let message =
            unsafe { opened.library.get::<unsafe extern "C" fn(c_int) -> *const c_char>(name.as_bytes()) };
        let message = *message.map_err(|_| lacks(name))?;
        let (mut major, mut minor) = (0, 0);
        // SAFETY: both may be written.
        unsafe { api.version(&mut major, &mut minor) }
            .map_err(|status| lacks(&format!("a version: {} gave {}", status.call, status.code)))?;
        Ok(Self { api, message, title, version: format!("{major}.{minor}") })
    }
}

/// A program being compiled. Destroyed when dropped.
struct Program<'n> {
    rtc: &'n Rtc,
    raw: Handle,
}

impl Rtc {
    /// Code for the device, and the compiler's log, which is empty where it warns of nothing. An error holds the log too.
    pub(super) fn compile(
        &self,
        entry: &str,
        source: &str,
        options: &[String],
    ) -> Result<(Vec<u8>, String), String> {
        let failed = |reason: String| {
            format!(
                "kernel `{entry}` does not compile by {} {} with {}: {reason}",
                self.title,
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
        let compiled = unsafe { self.api.compile(program.raw, pointers.len() as c_int, pointers.as_ptr()) };
        compiled.map_err(|status| {
            let log = program.log().unwrap_or_else(|status| self.describe(status));
            failed(format!("{}\n{log}", self.describe(status)))
        })?;
        let made = program.code().and_then(|code| Ok((code, program.log()?)));
        made.map_err(|status| failed(self.describe(status)))
    }

    fn describe(&self, status: Status) -> String {
        // SAFETY: any number may be asked for; the string is never freed.
        let message = unsafe { (self.message)(status.code) };
        let message = match message.is_null() {
            true => "which the compiler does not describe".into(),
            // SAFETY: as above.
            false => unsafe { CStr::from_ptr(message) }.to_string_lossy(),
        };
        format!("{}: code {}, {message}", status.call, status.code)
    }
}

impl<'n> Program<'n> {
    fn new(rtc: &'n Rtc, source: &CStr, name: &CStr) -> Result<Self, Status> {
        let mut raw = null_mut();
        // SAFETY: the handle may be written; both are strings; there are no headers.
        unsafe { rtc.api.create(&mut raw, source.as_ptr(), name.as_ptr(), 0, null(), null()) }?;
        Ok(Self { rtc, raw })
    }

    fn code(&self) -> Result<Vec<u8>, Status> {
        let mut bytes = 0;
        // SAFETY: the program is alive; the number may be written.
        unsafe { self.rtc.api.code_size(self.raw, &mut bytes) }?;
        let mut code = vec![0_u8; bytes];
        // SAFETY: as above; the buffer is as large as was asked for.
        unsafe { self.rtc.api.code(self.raw, code.as_mut_ptr().cast()) }?;
        Ok(code)
    }

    fn log(&self) -> Result<String, Status> {
        let mut bytes = 0;
        // SAFETY: the program is alive; the number may be written.
        unsafe { self.rtc.api.log_size(self.raw, &mut bytes) }?;
        let mut log = vec![0_u8; bytes];
        // SAFETY: as above; the buffer is as large as was asked for.
        unsafe { self.rtc.api.log(self.raw, log.as_mut_ptr().cast()) }?;
        Ok(String::from_utf8_lossy(&log).trim_end_matches('\0').trim_end().to_owned())
    }
}

impl Drop for Program<'_> {
    fn drop(&mut self) {
        // SAFETY: made once, destroyed once.
        let _ = unsafe { self.rtc.api.destroy(&mut self.raw) };
    }
}
