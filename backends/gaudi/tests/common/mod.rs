//! The software Synapse, and tests that want a process of their own.
#![allow(dead_code)]

pub mod sim;
pub mod work;

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::Arc;
use tintype_accel::{Accelerator, OpenOptions, Registry};
use tintype_gaudi::GaudiDriver;

/// The package of the software Synapse, and the file that it is built to.
const PACKAGE: &str = "tintype-synapse-sim";
const FILE: &str = "libtintype_synapse_sim.so";

/// The software Synapse, built where it is not there. Says so by name where it cannot be had.
pub fn synapse() -> Option<PathBuf> {
    if let Some(path) = std::env::var_os("TINTYPE_SYNAPSE") {
        return Some(path.into());
    }
    let deps = std::env::current_exe().unwrap();
    let profile = deps.ancestors().nth(2).unwrap();
    let file = profile.join(FILE);
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    if workspace.join("backends/gaudi/synapse-sim/Cargo.toml").exists() {
        let mut build = Command::new(env!("CARGO"));
        build.current_dir(&workspace).args(["build", "--offline", "--quiet", "--package", PACKAGE]);
        let built = build.status().unwrap();
        assert!(built.success(), "{PACKAGE} does not build");
    }
    if !file.exists() {
        println!("skipped: there is no {FILE}; build the package {PACKAGE}");
        return None;
    }
    Some(file)
}

/// Runs one test of this file in a process of its own, with these variables.
pub fn alone(test: &str, variables: &[(&str, &str)]) -> Option<Output> {
    let library = synapse()?;
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", test, "--ignored", "--nocapture", "--test-threads=1"]);
    command.env("TINTYPE_SYNAPSE", library).envs(variables.iter().copied());
    Some(command.output().unwrap())
}

/// The same, which must pass.
pub fn passes(test: &str, variables: &[(&str, &str)]) {
    let Some(output) = alone(test, variables) else { return };
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(output.status.success(), "{test}:\n{}\n{}", text(&output.stdout), text(&output.stderr));
    print!("{}", text(&output.stdout));
}

/// The device, whatever library the environment names.
pub fn open() -> Arc<dyn Accelerator> {
    open_with(GaudiDriver::default())
}

pub fn open_with(driver: GaudiDriver) -> Arc<dyn Accelerator> {
    let mut registry = Registry::new();
    registry.register(Arc::new(driver));
    registry.open("gaudi", None, &OpenOptions::default()).unwrap().accelerator
}
