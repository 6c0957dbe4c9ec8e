//! What the targets share: a folder that stays for the whole run, so that a target writes one file an input.

use std::path::{Path, PathBuf};

/// A folder of this process, in memory where the system has such a place.
pub fn scratch(target: &str) -> PathBuf {
    let shared = Path::new("/dev/shm");
    let base = if shared.is_dir() { shared.to_path_buf() } else { std::env::temp_dir() };
    let folder = base.join(format!("tintype-fuzz-{target}-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a scratch folder");
    folder
}

/// An error must say something of what failed, and not by a backtrace.
pub fn told<T>(result: Result<T, tintype_pipeline::Error>) -> Option<T> {
    match result {
        Ok(value) => Some(value),
        Err(error) => {
            assert!(error.to_string().len() > 20, "{error}");
            None
        }
    }
}
