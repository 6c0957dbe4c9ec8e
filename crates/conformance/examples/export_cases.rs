//! Writes every case, and what the interpreter makes of it, for readers of Programs in other languages.
//!
//! `cargo run -p tintype-conformance --example export_cases -- DIR` makes `DIR/cases.json`, a list of cases each with
//! its Program in the JSON form, and `DIR/data.bin`, to whose ranges the cases point. What is given is in the declared
//! dtypes and encodings, what is expected in float64; all little-endian.

use serde_json::{Value, json};
use std::error::Error;
use std::fs;
use std::path::PathBuf;
use tintype_conformance::cases::{self, Case};
use tintype_conformance::interpreter::{Bindings, Tensor, interpret};

/// The bytes of all cases, one after another.
#[derive(Default)]
struct Data(Vec<u8>);

impl Data {
    fn put(&mut self, bytes: &[u8]) -> Value {
        // Starts are aligned, so that a reader can map any dtype in place.
        self.0.resize(self.0.len().next_multiple_of(16), 0);
        let offset = self.0.len();
        self.0.extend_from_slice(bytes);
        json!({ "offset": offset, "bytes": bytes.len() })
    }

    fn tensors<'a>(&mut self, tensors: impl IntoIterator<Item = (&'a String, &'a Tensor)>) -> Value {
        let put = |(name, tensor): (&String, &Tensor)| {
            let bytes: Vec<u8> = tensor.data.iter().flat_map(|x| x.to_le_bytes()).collect();
            (name.clone(), self.put(&bytes))
        };
        Value::Object(tensors.into_iter().map(put).collect())
    }
}

fn export(case: &Case, data: &mut Data) -> Result<Value, Box<dyn Error>> {
    let given = [case.inputs(0), case.params(0), case.states()].concat();
    let buffers = given.iter().map(|(name, bytes)| (*name, bytes.as_slice()));
    let results = interpret(&case.program, &Bindings::from_bytes(&case.program, buffers)?)?;
    let given = given.iter().map(|(name, bytes)| (name.to_string(), data.put(bytes)));
    let given = Value::Object(given.collect());
    // The Program goes through its own text, which is what a reader gets.
    let program: Value = serde_json::from_str(&case.program.to_json()?)?;
    Ok(json!({
        "name": case.name,
        "group": case.group,
        "dtype": case.dtype.name(),
        "tolerance": { "element": case.tolerance.element, "whole": case.tolerance.whole },
        "program": program,
        "given": given,
        "outputs": data.tensors(&results.outputs),
        "states": data.tensors(&results.states),
    }))
}

fn main() -> Result<(), Box<dyn Error>> {
    let folder = PathBuf::from(std::env::args().nth(1).ok_or("usage: export_cases DIR")?);
    let mut data = Data::default();
    let cases: Result<Vec<Value>, _> = cases::all()?.iter().map(|case| export(case, &mut data)).collect();
    let cases = cases?;
    fs::create_dir_all(&folder)?;
    fs::write(folder.join("data.bin"), &data.0)?;
    fs::write(folder.join("cases.json"), serde_json::to_string(&cases)?)?;
    println!("{} cases, {} bytes of data", cases.len(), data.0.len());
    Ok(())
}
