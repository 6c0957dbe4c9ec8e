//! Where the vendor's libraries are.
//!
//! Each library is looked for in the places where drivers, toolkits and Python packages put it. What one of them later asks the
//! loader for by name is then there already, wherever it lies.

#[cfg(test)]
mod compiles;
mod open;
mod places;

pub use open::warnings;
pub(crate) use open::{Found, Library, find, nvrtc};
