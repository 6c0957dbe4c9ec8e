//! What the tests of bad input share: a folder of its own for each, and what a message must be.
#![allow(dead_code, reason = "each test file uses some of it")]

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

static FOLDERS: AtomicU64 = AtomicU64::new(0);

/// A folder that is removed at the test's end.
pub struct Scratch(PathBuf);

impl Scratch {
    pub fn new() -> Self {
        let number = FOLDERS.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("tintype-hostile-{}-{number}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Scratch(path)
    }

    /// A copy of a folder of the fixtures' models, such as `flux-base/tokenizer`.
    pub fn copy(name: &str) -> Self {
        let scratch = Self::new();
        for entry in std::fs::read_dir(fixture(name)).unwrap().flatten() {
            if entry.path().is_file() {
                std::fs::copy(entry.path(), scratch.0.join(entry.file_name())).unwrap();
            }
        }
        scratch
    }

    pub fn path(&self) -> &Path {
        &self.0
    }

    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        std::fs::write(self.0.join(name), content).unwrap();
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

pub fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures/models").join(name)
}

/// A message holds every part, fits a screen, and cannot drive a terminal.
pub fn assert_told(message: &str, parts: &[&str]) {
    for part in parts {
        assert!(message.contains(part), "`{part}` is missing in: {message:.2000}");
    }
    assert!(message.len() < 2000, "{} bytes of message: {message:.400}...", message.len());
    assert!(!message.chars().any(|c| c.is_control() && c != '\n'), "{message:?}");
}

/// Runs `work` and fails if it took longer. The bound is generous: what it guards against takes minutes or for ever.
pub fn in_seconds<T>(most: u64, work: impl FnOnce() -> T) -> T {
    let start = Instant::now();
    let result = work();
    let spent = start.elapsed();
    assert!(spent < Duration::from_secs(most), "it took {spent:?}");
    result
}
