//! The real driver, where there is one to forward to.

use std::ffi::c_void;
use std::sync::OnceLock;

use libloading::Library;

static REAL: OnceLock<Option<Library>> = OnceLock::new();

/// The real driver's library, if the environment names one. Opened once, by its full path.
pub fn library() -> Option<&'static Library> {
    REAL.get_or_init(|| {
        let path = std::env::var(crate::config::FORWARD).ok().filter(|path| !path.is_empty())?;
        // SAFETY: loading a driver runs its initialisers, which is what the person who set the path asks for.
        match unsafe { Library::new(&path) } {
            Ok(library) => Some(library),
            Err(error) => {
                eprintln!(
                    "tintype-cuda-double: {} `{path}`: {error}; nothing is forwarded",
                    crate::config::FORWARD
                );
                None
            }
        }
    })
    .as_ref()
}

/// Whether a real driver was asked for, found or not: a missing one must not turn into an emulated run.
pub fn wanted() -> bool {
    std::env::var(crate::config::FORWARD).is_ok_and(|path| !path.is_empty())
}

/// The address of one of its functions.
pub fn symbol(name: &str) -> Option<*mut c_void> {
    // SAFETY: only the address is taken here; whoever calls it declares its type.
    let found = unsafe { library()?.get::<*mut c_void>(name.as_bytes()) };
    found.ok().map(|symbol| *symbol)
}

/// One function's address, looked up once.
pub struct Symbol {
    name: &'static str,
    found: OnceLock<Option<usize>>,
}

impl Symbol {
    /// Not looked up yet.
    pub const fn new(name: &'static str) -> Symbol {
        Symbol { name, found: OnceLock::new() }
    }

    /// The address; none when nothing is forwarded or the driver lacks it.
    pub fn get(&self) -> Option<*mut c_void> {
        self.found.get_or_init(|| symbol(self.name).map(|p| p as usize)).map(|p| p as *mut c_void)
    }
}
