//! The real driver, where there is one to forward to.

use std::ffi::c_void;
use std::sync::OnceLock;

use libloading::Library;

enum Real {
    NotAsked,
    Missing,
    Found(Library),
}

static REAL: OnceLock<Real> = OnceLock::new();

fn real() -> &'static Real {
    REAL.get_or_init(|| {
        let path = std::env::var(crate::config::FORWARD).unwrap_or_default();
        if path.is_empty() {
            return Real::NotAsked;
        }
        // SAFETY: loading a driver runs its initialisers, which is what the person who set the path asks for.
        match unsafe { Library::new(&path) } {
            // A double that another one forwards to sees the same environment, and is the end of the line.
            Ok(library) if is_this(&library) => Real::NotAsked,
            Ok(library) => Real::Found(library),
            Err(error) => {
                eprintln!("tintype-cuda-double: {} `{path}`: {error}", crate::config::FORWARD);
                Real::Missing
            }
        }
    })
}

fn is_this(library: &Library) -> bool {
    // SAFETY: only the address is taken.
    let found = unsafe { library.get::<*mut c_void>(b"tintype_double_mark") };
    found.is_ok_and(|found| *found == crate::exports::control::tintype_double_mark as *mut c_void)
}

/// The real driver's library, if the environment names one. Opened once, by its full path.
pub fn library() -> Option<&'static Library> {
    match real() {
        Real::Found(library) => Some(library),
        Real::NotAsked | Real::Missing => None,
    }
}

/// Whether a real driver was asked for, found or not: a missing one must not turn into an emulated run.
pub fn wanted() -> bool {
    !matches!(real(), Real::NotAsked)
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
