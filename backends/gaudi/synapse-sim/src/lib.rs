//! A software Synapse: the C interface of the runtime of Gaudi accelerators, computed on the CPU.
//!
//! Built as a shared library it stands where the vendor's libSynapse.so would, for tests of what is written
//! against that. It computes every node it knows on real data, and refuses what the real one would refuse
//! or crash on. The README says what of it is checked fact and what is a guess.
//!
//! As a Rust crate it has [`install`] only, which gives tests of other crates a folder with the library.

mod abi;
mod api;
mod counters;
mod event;
mod file;
mod graph;
mod guard;
mod host;
mod inject;
mod launch;
mod log;
mod memory;
mod misuse;
mod nodes;
mod recipe;
mod state;
mod stream;

use std::io;
use std::path::{Path, PathBuf};

/// Puts a link `libSynapse.so` to this library into `folder` and returns the link's path.
///
/// For tests and benches: Cargo builds the shared library beside their programs when this crate is among
/// their (dev-)dependencies. Fails if it is not there, or if the link cannot be made.
pub fn install(folder: &Path) -> io::Result<PathBuf> {
    let program = std::env::current_exe()?;
    let name = "libtintype_synapse_sim.so";
    let mut places = program
        .ancestors()
        .skip(1)
        .take(2)
        .flat_map(|folder| [folder.join(name), folder.join("deps").join(name)]);
    let Some(library) = places.find(|place| place.is_file()) else {
        let why = format!("{name} is not beside {}: build tintype-synapse-sim first", program.display());
        return Err(io::Error::new(io::ErrorKind::NotFound, why));
    };
    let link = folder.join("libSynapse.so");
    std::fs::create_dir_all(folder)?;
    if let Err(error) = std::os::unix::fs::symlink(&library, &link)
        && error.kind() != io::ErrorKind::AlreadyExists
    {
        return Err(error);
    }
    Ok(link)
}
