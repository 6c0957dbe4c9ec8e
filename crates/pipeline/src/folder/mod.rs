//! The diffusers folder: `model_index.json`, its components, their configurations, and the Hub's cache.

mod hub;
mod index;
mod json;

pub use hub::{resolve, resolve_in};
pub use index::{Component, ModelFolder, PipelineClass};
pub use json::read_json;
pub(crate) use json::{json_error, read_text};

use std::path::Path;

/// The first names in a folder, for messages: "a, b and 3 more", or "nothing".
pub(crate) fn listing(folder: &Path) -> String {
    const SHOWN: usize = 6;
    let Ok(entries) = std::fs::read_dir(folder) else {
        return "nothing readable".into();
    };
    let mut names: Vec<String> =
        entries.flatten().map(|e| e.file_name().to_string_lossy().into_owned()).collect();
    names.sort_unstable();
    let rest = names.len().saturating_sub(SHOWN);
    names.truncate(SHOWN);
    match (names.is_empty(), rest) {
        (true, _) => "nothing".into(),
        (false, 0) => names.join(", "),
        (false, rest) => format!("{} and {rest} more", names.join(", ")),
    }
}
