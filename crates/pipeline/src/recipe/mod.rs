//! What a picture says of how it was made, and how to make it again.
//!
//! A file carries two texts: `tintype`, a JSON object ([`Made`]) that says everything; and `parameters`, the text that
//! other tools write and read, of which [`a1111`] tells more.

pub mod a1111;
mod made;
mod read;

pub use made::Made;
pub use read::Recipe;
