//! The log: one line a call, to the file SYNAPSE_SIM_LOG names.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::sync::{Mutex, OnceLock};
use std::time::Instant;

use crate::state::lock;

struct Log {
    file: Option<File>,
    start: Instant,
}

static LOG: OnceLock<Mutex<Log>> = OnceLock::new();

/// Writes one line: microseconds since the first, the thread, then `what`.
pub fn line(what: &str) {
    let log = LOG.get_or_init(|| {
        let path = std::env::var_os("SYNAPSE_SIM_LOG");
        let file = path.and_then(|path| OpenOptions::new().create(true).append(true).open(path).ok());
        Mutex::new(Log { file, start: Instant::now() })
    });
    let mut log = lock(log);
    let time = log.start.elapsed().as_micros();
    if let Some(file) = &mut log.file {
        let what = what.replace('\n', " ");
        // A log that cannot be written must not fail the call it tells of.
        let _ = writeln!(file, "{time} {:?} {}", std::thread::current().id(), what.trim_end());
    }
}
