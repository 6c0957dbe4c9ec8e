//! Calls of the library that fail.

use crate::common::{command, fail, files, read, small, succeed};
use crate::with_steps;
use std::collections::BTreeSet;
use std::fs;
use tintype_tests::synapse;

#[test]
fn a_call_that_fails_is_told_and_the_next_run_is_right() {
    let Some(library) = synapse() else { return };
    let folder = tempfile::tempdir().unwrap();
    let (folder, log) = (folder.path(), folder.path().join("log"));
    let generate = |fault: &str, name: &str| {
        let arguments = small(&["generate", "a red heart", "--backend", "gaudi"], &["-o", name]);
        let mut command = command(folder, &with_steps(arguments, "1"));
        command.env("TINTYPE_SYNAPSE", &library).env("SYNAPSE_SIM_LOG", &log).env("SYNAPSE_SIM_FAIL", fault);
        command.output().unwrap()
    };
    succeed(generate("", "first.png"));
    let expected = read(folder, "first.png").rgb;
    let calls = fs::read_to_string(&log).unwrap();
    let functions: BTreeSet<_> = calls.lines().filter_map(|line| line.split(' ').nth(2)).collect();
    assert!(functions.len() > 25, "{functions:?}");
    for function in functions.into_iter().filter(|name| name.starts_with("syn") && !name.contains("sim")) {
        let output = generate(&format!("{function}:1:synDeviceReset"), "again.png");
        if output.status.success() {
            assert_eq!(read(folder, "again.png").rgb, expected, "{function}");
            fs::remove_file(folder.join("again.png")).unwrap();
        } else {
            let told = fail(output, 1);
            assert!(told.contains(function) && told.contains("synDeviceReset (17)"), "{function}: {told}");
            // Latents are kept where denoising was done, and that is told; nothing else is left.
            let latents = "again.latents.safetensors";
            assert_eq!(folder.join(latents).exists(), told.contains(latents), "{function}: {told}");
            let _ = fs::remove_file(folder.join(latents));
            assert_eq!(files(folder), ["first.png", "log"], "{function}: nothing half-written");
        }
    }
    succeed(generate("", "last.png"));
    assert_eq!(read(folder, "last.png").rgb, expected);
}
