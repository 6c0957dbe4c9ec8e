//! Where the vendor's libraries are.
//!
//! Nothing is linked. Each library is looked for in the places where drivers, toolkits and Python packages put it, opened
//! by its full path, and never closed again: code, kernels and handles of it live as long as the process. What one of them
//! later asks the loader for by name is then there already, wherever it lies.

mod open;
mod places;
mod table;

pub(crate) use open::{Found, Library, find};
pub(crate) use table::{Status, table};
