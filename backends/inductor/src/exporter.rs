//! The exporter: Python sources that this library carries, and the process that runs them.

use crate::{Error, Python, Result};
use serde::Deserialize;
use serde_json::Value;
use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use tempfile::TempDir;

/// The exporter's sources, by file.
const SOURCES: [(&str, &str); 8] = [
    ("__main__.py", include_str!("../exporter/__main__.py")),
    ("compiler.py", include_str!("../exporter/compiler.py")),
    ("encodings_of_params.py", include_str!("../exporter/encodings_of_params.py")),
    ("fp8.py", include_str!("../exporter/fp8.py")),
    ("module.py", include_str!("../exporter/module.py")),
    ("package.py", include_str!("../exporter/package.py")),
    ("reader.py", include_str!("../exporter/reader.py")),
    ("template.py", include_str!("../exporter/template.py")),
];

/// Lines of the exporter's standard error that a message quotes.
const QUOTED: usize = 12;

/// What the exporter tells, one object a line.
#[derive(Debug, Deserialize)]
struct Line {
    job: u64,
    #[serde(flatten)]
    told: Told,
}

#[derive(Debug, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
enum Told {
    Note { text: String },
    Exporting,
    Compiling,
    Done,
    Failed { error: String, reason: Vec<String> },
    Ended { status: i32 },
}

/// Who waits for news of which job; nobody any more once the exporter is gone.
type Waiting = Arc<Mutex<Option<HashMap<u64, Sender<Told>>>>>;

/// A Python that has torch's compiler in memory. Each package is made by a process that it forks, so that importing is done
/// once. Ends when it is dropped, and what it has not done with it.
pub(crate) struct Exporter {
    program: PathBuf,
    child: Mutex<Child>,
    /// None once it is told that no more comes.
    orders: Mutex<Option<ChildStdin>>,
    waiting: Waiting,
    next: AtomicU64,
    /// Its sources, and what it writes on standard error.
    home: TempDir,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Exporter {
    /// Starts one, whose sources lie in `folder` for as long as it runs.
    pub(crate) fn start(python: &Python, folder: &Path) -> Result<Self> {
        let home = tempfile::Builder::new().prefix(".aot-").tempdir_in(folder);
        let home = home.map_err(|error| Error::file(folder, error))?;
        let sources = home.path().join("exporter");
        let written = fs::create_dir(&sources)
            .and_then(|()| SOURCES.iter().try_for_each(|(name, text)| fs::write(sources.join(name), text)))
            .and_then(|()| File::create(home.path().join("log.txt")));
        let errors = written.map_err(|error| Error::file(home.path(), error))?;
        let started = Command::new(python.program())
            .arg(&sources)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(errors)
            .spawn();
        let mut child = started
            .map_err(|error| Error::NoPython { tried: format!("{}: {error}", python.program().display()) })?;
        let waiting = Waiting::new(Mutex::new(Some(HashMap::new())));
        if let Some(out) = child.stdout.take() {
            let waiting = Arc::clone(&waiting);
            let listen = move || {
                for line in BufReader::new(out).lines().map_while(std::result::Result::ok) {
                    // A broken Python may print what it likes.
                    if let Ok(Line { job, told }) = serde_json::from_str(&line)
                        && let Some(teller) = lock(&waiting).as_ref().and_then(|waiting| waiting.get(&job))
                    {
                        let _ = teller.send(told);
                    }
                }
                lock(&waiting).take();
            };
            let listener = thread::Builder::new().name("tintype-exporter".into()).spawn(listen);
            listener.map_err(|error| Error::file(python.program(), error))?;
        }
        let orders = Mutex::new(child.stdin.take());
        let (program, next) = (python.program().into(), AtomicU64::new(0));
        Ok(Self { program, child: Mutex::new(child), orders, waiting, next, home })
    }

    /// Has a package made in `work`, an empty folder: `work/package`. `order` is what the exporter is told beside the files;
    /// `name` is for messages.
    pub(crate) fn export(
        &self,
        name: &str,
        program: &Path,
        mut order: serde_json::Map<String, Value>,
        work: &Path,
        tell: &mut dyn FnMut(&str),
    ) -> Result<PathBuf> {
        let (package, log) = (work.join("package"), work.join("log.txt"));
        fs::create_dir(&package).map_err(|error| Error::file(work, error))?;
        let job = self.next.fetch_add(1, Ordering::Relaxed);
        order.insert("job".into(), job.into());
        // In the system's own place: compilers' tools stumble over names that have spaces.
        let scratch = tempfile::Builder::new().prefix("tintype-aot-").tempdir();
        let scratch = scratch.map_err(|error| Error::file(std::env::temp_dir(), error))?;
        let files = [("program", program), ("folder", &package), ("log", &log), ("scratch", scratch.path())];
        for (key, path) in files {
            let path = path.to_str().ok_or_else(|| Error::file(path, "its name is no UTF-8"))?;
            order.insert(key.into(), path.into());
        }
        let (teller, told) = channel();
        if let Some(waiting) = lock(&self.waiting).as_mut() {
            waiting.insert(job, teller);
        }
        let line = format!("{}\n", Value::Object(order));
        let sent = match lock(&self.orders).as_mut() {
            Some(orders) => orders.write_all(line.as_bytes()).is_ok(),
            None => false,
        };
        if !sent {
            self.forget(job);
        }
        let (mut done, mut reason, mut status) = (false, None, None);
        for told in told {
            match told {
                Told::Note { text } => tell(&text),
                Told::Exporting => tell("exporting"),
                Told::Compiling => tell("compiling"),
                Told::Done => done = true,
                Told::Failed { error, reason: lines } => {
                    reason = Some(format!("{error}: {}", lines.join(" ")));
                }
                Told::Ended { status: code } => {
                    status = Some(code);
                    self.forget(job);
                }
            }
        }
        if done && status == Some(0) {
            return Ok(package);
        }
        let ended = || match status {
            Some(code) if code < 0 => format!("it was ended by signal {}", -code),
            Some(code) => format!("it ended with {code} before it was done"),
            None => format!("{} ended before it was done, {}", self.program.display(), self.status()),
        };
        Err(Error::Exporter {
            program: name.into(),
            reason: reason.unwrap_or_else(ended),
            log: [log, self.home.path().join("log.txt")]
                .iter()
                .find_map(|log| last_lines(log))
                .unwrap_or_default(),
        })
    }

    /// Nothing more comes of a job.
    fn forget(&self, job: u64) {
        if let Some(waiting) = lock(&self.waiting).as_mut() {
            waiting.remove(&job);
        }
    }

    /// How it ended.
    fn status(&self) -> String {
        match lock(&self.child).wait() {
            Ok(status) => status.to_string(),
            Err(error) => error.to_string(),
        }
    }
}

/// What a log ends with, if there is anything in it.
fn last_lines(log: &Path) -> Option<String> {
    let log = fs::read(log).ok()?;
    let log = String::from_utf8_lossy(&log);
    let lines: Vec<_> = log.lines().collect();
    (!lines.is_empty()).then(|| lines[lines.len().saturating_sub(QUOTED)..].join("\n"))
}

impl Drop for Exporter {
    fn drop(&mut self) {
        // Its standard input ends, and so does it.
        drop(lock(&self.orders).take());
        let _ = lock(&self.child).wait();
    }
}
