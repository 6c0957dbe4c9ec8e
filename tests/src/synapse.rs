//! The software Synapse, for tests that run on it.

use std::path::{Path, PathBuf};
use std::process::Command;

/// Its package, and the file that it is built to.
const PACKAGE: &str = "tintype-synapse-sim";
const FILE: &str = "libtintype_synapse_sim.so";

/// The software Synapse, built where it is not there. Says so by name where it cannot be had.
pub fn synapse() -> Option<PathBuf> {
    let test = std::env::current_exe().unwrap();
    let profile = test.ancestors().nth(2).unwrap();
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    if workspace.join("backends/gaudi/synapse-sim/Cargo.toml").exists() {
        let mut build = Command::new(env!("CARGO"));
        build.current_dir(&workspace).args(["build", "--offline", "--quiet", "--package", PACKAGE]);
        assert!(build.status().unwrap().success(), "{PACKAGE} does not build");
    }
    let file = profile.join(FILE);
    if !file.exists() {
        println!("skipped: there is no {FILE}; build the package {PACKAGE}");
        return None;
    }
    Some(file)
}
