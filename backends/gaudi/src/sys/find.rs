//! Where the library is looked for.

use super::Functions;
use libloading::Library;
use std::env;
use std::ffi::{OsString, c_char};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

/// The variable that names the library's file.
const VARIABLE: &str = "TINTYPE_SYNAPSE";
/// What the loader is asked for, in this order.
const NAMES: [&str; 2] = ["libSynapse.so", "libSynapse.so.1"];
/// Where the vendor's packages put it.
const FOLDER: &str = "/usr/lib/habanalabs";

/// The open library.
pub(crate) struct Synapse {
    pub(crate) functions: Functions,
    /// The file, or the name that the loader found it by.
    pub(crate) path: PathBuf,
    /// Whether it is a software double.
    pub(crate) emulated: bool,
    /// What tells this build of the library from others: its file's name, length and time of writing.
    pub(crate) version: String,
    /// Keeps the functions where they are.
    _library: Library,
}

/// Why there is no library.
#[derive(Clone, Debug)]
pub(crate) enum Missing {
    /// Nowhere: what was tried and what came of it.
    NotFound(String),
    /// It lacks functions.
    TooOld(String),
}

/// Opens the library, once a process and path.
pub(crate) fn library() -> Result<Arc<Synapse>, Missing> {
    static OPEN: Mutex<Vec<(OsString, Arc<Synapse>)>> = Mutex::new(Vec::new());
    let asked = env::var_os(VARIABLE).filter(|path| !path.is_empty());
    let key = asked.clone().unwrap_or_default();
    let mut open = OPEN.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some((_, known)) = open.iter().find(|(name, _)| *name == key) {
        return Ok(Arc::clone(known));
    }
    let synapse = Arc::new(search(asked)?);
    open.push((key, Arc::clone(&synapse)));
    Ok(synapse)
}

fn search(asked: Option<OsString>) -> Result<Synapse, Missing> {
    let candidates: Vec<PathBuf> = match &asked {
        Some(path) => vec![PathBuf::from(path)],
        None => {
            let folder = Path::new(FOLDER);
            let named = NAMES.iter().map(PathBuf::from);
            named.chain(NAMES.iter().map(|name| folder.join(name))).collect()
        }
    };
    let mut tried = Vec::new();
    for path in candidates {
        // SAFETY: loading the vendor's library runs its initialisers, which is what the user asked for.
        match unsafe { Library::new(&path) } {
            Ok(library) => return table(library, path),
            Err(error) => tried.push(reason(&path, &error)),
        }
    }
    let from = if asked.is_some() { format!(" ({VARIABLE} names it)") } else { String::new() };
    Err(Missing::NotFound(format!("libSynapse.so was not found{from}: {}", tried.join("; "))))
}

/// What the loader says, which names the file.
fn reason(path: &Path, error: &libloading::Error) -> String {
    match std::error::Error::source(error) {
        Some(source) if source.to_string().contains(&*path.to_string_lossy()) => source.to_string(),
        Some(source) => format!("{}: {source}", path.display()),
        None => format!("{}: {error}", path.display()),
    }
}

fn table(library: Library, path: PathBuf) -> Result<Synapse, Missing> {
    let functions = Functions::of(&library).map_err(|missing| {
        let (path, version) = (path.display(), told(&library));
        Missing::TooOld(format!("{path} ({version}) lacks {}", missing.join(", ")))
    })?;
    let full = located(&functions).unwrap_or_else(|| path.clone());
    let emulated = is_double(&library);
    Ok(Synapse { version: file_version(&full), functions, emulated, path: full, _library: library })
}

/// The version that a library tells which lacks functions.
fn told(library: &Library) -> String {
    type Version = unsafe extern "C" fn(*mut c_char, i32) -> i32;
    let mut text = [0 as c_char; 256];
    // SAFETY: the symbol of this name has this type in every version that exports it.
    let status = unsafe { library.get::<Version>(b"synDriverGetVersion") }
        // SAFETY: the buffer is longer than is said, so that it ends with a zero.
        .map(|version| unsafe { version(text.as_mut_ptr(), 255) });
    match (status, crate::runtime::read(&text)) {
        (Ok(0), version) if !version.is_empty() => format!("version {version}"),
        _ => "it tells no version".into(),
    }
}

/// Whether a library says of itself that it is a double.
fn is_double(library: &Library) -> bool {
    [
        &b"synapse_sim_counts"[..],
        b"synapse_sim_inject",
        b"synapse_sim_live",
        b"synapse_sim_mark",
        b"synapse_sim_reset",
    ]
    .iter()
    // SAFETY: only looked up, never called.
    .any(|name| unsafe { library.get::<unsafe extern "C" fn()>(*name) }.is_ok())
}

/// The file that a function was loaded from, as the process's map of its memory has it.
fn located(functions: &Functions) -> Option<PathBuf> {
    let address = functions.initialize as usize;
    let maps = std::fs::read_to_string("/proc/self/maps").ok()?;
    let line = maps.lines().find(|line| {
        let range = line.split(' ').next().and_then(|range| range.split_once('-'));
        range.is_some_and(|(start, end)| {
            let number = |text| usize::from_str_radix(text, 16).unwrap_or(0);
            (number(start)..number(end)).contains(&address)
        })
    })?;
    let path = line.find('/').map(|at| PathBuf::from(&line[at..]))?;
    Some(path)
}

/// What tells this state of a file from others: its name, length and time of writing.
pub(crate) fn file_version(path: &Path) -> String {
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let meta = std::fs::metadata(path).ok();
    let written = meta.as_ref().and_then(|meta| meta.modified().ok());
    let seconds = written.and_then(|time| time.duration_since(std::time::UNIX_EPOCH).ok());
    format!("{name} {} {}", meta.map_or(0, |meta| meta.len()), seconds.map_or(0, |time| time.as_nanos()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_library_that_lacks_functions_is_named_with_them() {
        // This program, which is no Synapse.
        let library = Library::from(libloading::os::unix::Library::this());
        let Err(Missing::TooOld(told)) = table(library, "/opt/libSynapse.so".into()) else {
            panic!("it is one")
        };
        assert!(told.starts_with("/opt/libSynapse.so (it tells no version) lacks synInitialize, "), "{told}");
        assert!(told.contains("synLaunch"), "{told}");
    }
}
