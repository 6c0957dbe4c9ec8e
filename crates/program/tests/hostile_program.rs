//! Programs in JSON that lie: refused with the block, the node and the reason, never with a panic.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::path::Path;
use tintype_program::{DType, Program, TensorType};

/// A Program with one input, one node and one output; `node` is the node's JSON.
fn program(values: &str, node: &str) -> String {
    format!(
        r#"{{"version":1,"blocks":[{{"name":"b","values":{values},"inputs":[{{"name":"x","value":0}}],"params":[],
        "states":[],"nodes":[{node}],"outputs":[{{"name":"y","value":1}}]}}]}}"#
    )
}

fn refusal(text: &str) -> String {
    match Program::from_json(text) {
        Ok(program) => panic!("it was read: {program:?}"),
        Err(error) => error.to_string(),
    }
}

fn sound() -> (serde_json::Value, String) {
    let traced = Program::trace("b", |scope| {
        let x = scope.input("x", TensorType::new(DType::F32, [2, 3]))?;
        scope.output("y", &x.silu()?)
    });
    let text = traced.unwrap().to_json().unwrap();
    (serde_json::from_str(&text).unwrap(), text)
}

#[test]
fn text_that_is_no_program() {
    for text in ["", "{}", "[]", "null", "{\"version\":1}", "{\"version\":-1}", "{\"version\":1e30}"] {
        assert!(refusal(text).contains("JSON"), "{text}: {}", refusal(text));
    }
    assert!(refusal("{\"version\":2}").contains("version 2"));
    assert!(refusal("{\"version\":18446744073709551615}").contains("version 18446744073709551615"));
    assert!(refusal(&"[".repeat(1 << 20)).contains("JSON"));
    assert!(refusal(&format!("{{\"version\":1,\"a\":{}", "[".repeat(1 << 20))).contains("JSON"));
    assert!(refusal("{\"version\":1,\"blocks\":[]}").contains("0 blocks"));
}

#[test]
fn every_number_of_a_program_made_absurd() {
    let (document, text) = sound();
    Program::from_json(&text).unwrap();
    // Each number in turn, wherever it stands.
    fn each(value: &serde_json::Value, at: &str, found: &mut Vec<String>) {
        match value {
            serde_json::Value::Number(_) => found.push(at.to_owned()),
            serde_json::Value::Array(list) => {
                list.iter().enumerate().for_each(|(i, inner)| each(inner, &format!("{at}/{i}"), found));
            }
            serde_json::Value::Object(map) => {
                map.iter().for_each(|(key, inner)| each(inner, &format!("{at}/{key}"), found));
            }
            _ => {}
        }
    }
    let mut places = Vec::new();
    each(&document, "", &mut places);
    assert!(places.len() > 8, "{places:?}");
    for place in places {
        for absurd in ["-1", "1e300", "4294967295", "4294967296", "18446744073709551615", "null", "[]", "{}"]
        {
            let mut changed = document.clone();
            *changed.pointer_mut(&place).unwrap() = serde_json::from_str(absurd).unwrap();
            if let Ok(read) = Program::from_json(&changed.to_string()) {
                panic!("{place} = {absurd} was read: {read:?}");
            }
        }
    }
}

#[test]
fn types_that_no_memory_holds() {
    for shape in [
        "[18446744073709551615]",
        "[18446744073709551615,18446744073709551615]",
        "[70368744177664,70368744177664]",
        "[18446744073709551615,0]",
        "[1,1,1,1,1,1,1,1,1]",
    ] {
        let ty = format!(r#"{{"dtype":"f32","shape":{shape}}}"#);
        let told = refusal(&program(&format!("[{ty},{ty}]"), r#"{"op":"silu","inputs":[0],"outputs":[1]}"#));
        assert!(told.contains("`b`") && (told.contains("larger") || told.contains("dimensions")), "{told}");
    }
}

#[test]
fn calls_that_go_round() {
    let (mut document, _) = sound();
    for block in [0, 1, u32::MAX] {
        document["blocks"][0]["nodes"][0] =
            serde_json::json!({"op": "call", "block": block, "inputs": [0], "outputs": [1]});
        let told = refusal(&document.to_string());
        assert!(told.contains("`b`") && told.contains("does not come before"), "{told}");
    }
}

/// What fuzzing once found, and sound Programs with bytes changed, from a generator with a seed.
#[test]
fn thousands_of_changed_programs_are_refused_or_keep_their_hashes() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz");
    let files = |name: &str| {
        let entries = std::fs::read_dir(folder.join(name)).into_iter().flatten().flatten();
        let mut paths: Vec<_> = entries.map(|entry| entry.path()).collect();
        paths.sort();
        paths.into_iter().map(|path| std::fs::read(path).unwrap()).collect::<Vec<_>>()
    };
    let read = |bytes: &[u8]| {
        let Ok(text) = std::str::from_utf8(bytes) else { return false };
        let Ok(program) = Program::from_json(text) else { return false };
        let _ = program.runs_of_blocks();
        let again = Program::from_json(&program.to_json().unwrap()).unwrap();
        assert_eq!(again.hashes(), program.hashes());
        true
    };
    let seeds = files("seeds/program");
    assert!(seeds.len() > 20, "{}", seeds.len());
    let mut state = 1u64;
    let mut next = |below: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % below.max(1)
    };
    let numbers = ["-1", "0", "3", "4294967295", "18446744073709551615", "70368744177664", "1e400", "null"];
    let (mut sound, mut refused) = (0, 0);
    for seed in &seeds {
        assert!(read(seed), "{}", String::from_utf8_lossy(seed));
        for _ in 0..150 {
            let mut bytes = seed.clone();
            for _ in 0..=next(2) {
                let at = next(bytes.len());
                let start = at + bytes[at..].iter().position(u8::is_ascii_digit).unwrap_or(0);
                let digits = bytes[start..].iter().take_while(|byte| byte.is_ascii_digit()).count();
                match next(4) {
                    0 => bytes[at] = next(256) as u8,
                    1 => bytes.truncate(at.max(1)),
                    _ => drop(bytes.splice(start..start + digits, numbers[next(numbers.len())].bytes())),
                }
            }
            *(if read(&bytes) { &mut sound } else { &mut refused }) += 1;
        }
    }
    files("regressions/program").iter().for_each(|bytes| _ = read(bytes));
    assert!(sound > 0 && refused > 0, "{sound} sound, {refused} refused");
}
