//! Synapse's C interface: types, the table of functions, and where the library is found.

mod find;
mod functions;
mod status;
mod types;

pub(crate) use find::{Missing, Synapse, file_version, library};
pub(crate) use functions::Functions;
pub(crate) use status::Status;
pub(crate) use types::*;
