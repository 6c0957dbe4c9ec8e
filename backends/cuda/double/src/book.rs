//! What is alive, by kind and handle: kept in both modes from the calls that succeed, for the leak report.

use std::collections::BTreeMap;

use serde_json::{Value, json};

/// What a handle stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// A context that the caller made, or a retained primary one.
    Context,
    /// Device memory.
    Allocation,
    /// Page-locked host memory.
    Pinned,
    /// Host memory that was registered.
    Registered,
    /// A memory pool that the caller made.
    Pool,
    /// A stream.
    Stream,
    /// An event.
    Event,
    /// A module.
    Module,
    /// A library.
    Library,
    /// A graph.
    Graph,
    /// An executable graph.
    Exec,
}

const KINDS: [(Kind, &str); 11] = [
    (Kind::Context, "contexts"),
    (Kind::Allocation, "allocations"),
    (Kind::Pinned, "pinned"),
    (Kind::Registered, "registered"),
    (Kind::Pool, "pools"),
    (Kind::Stream, "streams"),
    (Kind::Event, "events"),
    (Kind::Module, "modules"),
    (Kind::Library, "libraries"),
    (Kind::Graph, "graphs"),
    (Kind::Exec, "execs"),
];

/// The live handles, each with its bytes (0 where it has none).
#[derive(Default)]
pub struct Book(BTreeMap<(Kind, u64), u64>);

impl Book {
    /// Something was made.
    pub fn add(&mut self, kind: Kind, handle: Option<u64>, bytes: u64) {
        if let Some(handle) = handle {
            self.0.insert((kind, handle), bytes);
        }
    }

    /// Something was given back.
    pub fn remove(&mut self, kind: Kind, handle: u64) {
        self.0.remove(&(kind, handle));
    }

    /// Everything but library-independent host memory went with its context.
    pub fn context_gone(&mut self) {
        self.0.retain(|(kind, _), _| matches!(kind, Kind::Graph | Kind::Pool | Kind::Library));
    }

    /// How many of a kind are alive.
    pub fn count(&self, kind: Kind) -> usize {
        self.0.keys().filter(|(k, _)| *k == kind).count()
    }

    /// Each kind's count, and the bytes of memory.
    pub fn live(&self) -> Value {
        let mut report = serde_json::Map::new();
        for (kind, name) in KINDS {
            report.insert(name.into(), json!(self.count(kind)));
        }
        for (kind, name) in [(Kind::Allocation, "allocated_bytes"), (Kind::Pinned, "pinned_bytes")] {
            let bytes: u64 = self.0.iter().filter(|((k, _), _)| *k == kind).map(|(_, bytes)| bytes).sum();
            report.insert(name.into(), json!(bytes));
        }
        Value::Object(report)
    }

    /// `3 allocations, 1 streams` of all but contexts and pools; empty when nothing is alive.
    pub fn leaks(&self) -> String {
        let named = KINDS.iter().filter(|(kind, _)| !matches!(kind, Kind::Context));
        let counts = named.map(|(kind, name)| (self.count(*kind), name)).filter(|(count, _)| *count > 0);
        counts.map(|(count, name)| format!("{name}:{count}")).collect::<Vec<_>>().join(",")
    }
}
