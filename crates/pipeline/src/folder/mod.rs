//! Where models come from: the diffusers folder on disk or in the program, the Hub, single weights files.

mod defaults;
mod hub;
mod index;
mod json;
mod location;
mod single;

pub use defaults::Defaults;
pub use hub::{Repository, find, resolve, resolve_in};
#[cfg(feature = "hub")]
pub(crate) use hub::{cache_folder, home_folder, is_true};
pub use index::{Component, ModelFolder, PipelineClass};
pub use json::read_json;
pub(crate) use json::{json_error, read_text};
pub use location::{EmbeddedFile, Location};

/// The first names in a folder, for messages: "a, b and 3 more", or "nothing".
pub(crate) fn listing(folder: &Location) -> String {
    const SHOWN: usize = 6;
    let Some(mut names) = folder.names() else {
        return "nothing readable".into();
    };
    let rest = names.len().saturating_sub(SHOWN);
    names.truncate(SHOWN);
    match (names.is_empty(), rest) {
        (true, _) => "nothing".into(),
        (false, 0) => names.join(", "),
        (false, rest) => format!("{} and {rest} more", names.join(", ")),
    }
}
