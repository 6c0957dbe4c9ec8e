//! Where models come from: the diffusers folder on disk or in the program, the Hub, single weights files.

#![cfg_attr(not(test), deny(clippy::indexing_slicing, clippy::arithmetic_side_effects))]

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

use std::path::{Component as Part, Path};

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

/// True for a name that cannot lead out of its folder. Links are allowed: the Hub cache is made of them.
pub(crate) fn is_plain_name(name: &str) -> bool {
    let mut parts = Path::new(name).components();
    matches!((parts.next(), parts.next()), (Some(Part::Normal(part)), None) if part == name)
        && !name.contains(['\\', '\0'])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_leave_the_folder_are_not_plain() {
        for name in ["..", "../a", "/etc/passwd", "a/b", "./a", "a/", "", ".", "..\\a", "a\0"] {
            assert!(!is_plain_name(name), "{name:?}");
        }
        assert!(is_plain_name("model-00001-of-00002.safetensors"));
    }
}
