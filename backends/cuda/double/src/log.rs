//! The log file and the counters: the witness of what was called.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Write;

use serde_json::{Value, json};

/// Calls are numbered from 1 in the order in which they began.
#[derive(Default)]
pub struct Log {
    file: Option<File>,
    number: u64,
    calls: BTreeMap<&'static str, [u64; 2]>,
    totals: BTreeMap<&'static str, u64>,
}

impl Log {
    /// A log that appends to `path`, if there is one. Says on standard error when the file cannot be opened.
    pub fn open(path: Option<&str>) -> Log {
        let file = path.filter(|path| !path.is_empty()).and_then(|path| {
            let opened = File::options().create(true).append(true).open(path);
            opened.map_err(|error| eprintln!("tintype-cuda-double: log `{path}`: {error}")).ok()
        });
        Log { file, ..Log::default() }
    }

    /// Numbers a call that begins.
    pub fn begin(&mut self, name: &'static str) -> u64 {
        self.number += 1;
        self.calls.entry(name).or_default()[0] += 1;
        self.number
    }

    /// Writes the line of a call that ended: `number function status [facts]`.
    pub fn end(&mut self, number: u64, name: &'static str, status: u32, facts: &[String]) {
        if status != 0 {
            self.calls.entry(name).or_default()[1] += 1;
        }
        let facts: Vec<&str> = facts.iter().map(|fact| fact.trim()).filter(|fact| !fact.is_empty()).collect();
        self.line(&format!("{number} {name} {status} [{}]", facts.join(" ")));
    }

    /// Writes a marker line.
    pub fn mark(&mut self, text: &str) {
        self.line(&format!("# {}", text.replace('\n', " ")));
    }

    /// Adds to a total that no single line shows: bytes moved, kernels run, hidden waits.
    pub fn add(&mut self, total: &'static str, amount: u64) {
        *self.totals.entry(total).or_default() += amount;
    }

    /// The counters: calls and failures of each function, and totals.
    pub fn counts(&self) -> Value {
        let column = |index: usize| -> BTreeMap<&str, u64> {
            let rows = self.calls.iter().map(|(name, counts)| (*name, counts[index]));
            rows.filter(|(_, count)| *count > 0).collect()
        };
        json!({ "calls": column(0), "failed": column(1), "totals": self.totals })
    }

    /// Sets the counters to zero; lines go on being numbered.
    pub fn reset_counts(&mut self) {
        self.calls.clear();
        self.totals.clear();
    }

    fn line(&mut self, line: &str) {
        if let Some(file) = &mut self.file {
            // One write a line: lines of several processes on one file do not mix.
            if let Err(error) = file.write_all(format!("{line}\n").as_bytes()) {
                eprintln!("tintype-cuda-double: the log stops here: {error}");
                self.file = None;
            }
        }
    }
}
