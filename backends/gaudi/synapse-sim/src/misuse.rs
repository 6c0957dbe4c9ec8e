//! What the real runtime would crash on, or get wrong silently: noted, counted, logged.

use std::sync::Mutex;

use crate::state::lock;

static NOTES: Mutex<Vec<String>> = Mutex::new(Vec::new());

/// Notes a misuse.
pub fn note(what: String) {
    crate::log::line(&format!("MISUSE {what}"));
    lock(&NOTES).push(what);
}

/// All that was noted.
pub fn all() -> Vec<String> {
    lock(&NOTES).clone()
}

/// Forgets all notes.
pub fn clear() {
    lock(&NOTES).clear();
}
