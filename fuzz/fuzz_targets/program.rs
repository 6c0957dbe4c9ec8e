//! A Program in JSON: what is read is checked, survives writing, and keeps its hashes.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tintype_program::Program;

fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let Ok(program) = Program::from_json(text) else { return };
    let hashes = program.hashes();
    let _ = program.runs_of_blocks();
    let again = Program::from_json(&program.to_json().expect("JSON")).expect("what was written");
    assert_eq!(again.hashes(), hashes);
});
