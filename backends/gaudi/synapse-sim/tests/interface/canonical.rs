//! The header and the canonical sequence in C, compiled and linked as C programs are.

use std::path::Path;
use std::process::Command;

#[test]
fn the_header_compiles_and_the_sequence_runs() {
    let home = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folder = tempfile::tempdir().expect("a folder");
    tintype_synapse_sim::install(folder.path()).expect("the library is built");
    let program = folder.path().join("canonical");
    let built = Command::new("cc")
        .args(["-std=c11", "-Wall", "-Wextra", "-Werror", "-I"])
        .arg(home.join("include"))
        .arg(home.join("tests/canonical.c"))
        .arg(folder.path().join("libSynapse.so"))
        .arg("-o")
        .arg(&program)
        .status()
        .expect("a C compiler");
    assert!(built.success());
    let log = folder.path().join("log");
    let ran = Command::new(&program)
        .env("LD_LIBRARY_PATH", folder.path())
        .env("SYNAPSE_SIM_LOG", &log)
        .output()
        .expect("the program runs");
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    let log = std::fs::read_to_string(log).expect("a log");
    assert!(log.contains("synLaunch synSuccess stream="), "{log}");

    // The same with a failure asked for by the environment.
    let ran = Command::new(&program)
        .env("LD_LIBRARY_PATH", folder.path())
        .env("SYNAPSE_SIM_FAIL", "synLaunch:1:synFail")
        .output()
        .expect("the program runs");
    assert!(String::from_utf8_lossy(&ran.stderr).contains("status 26"));
}
