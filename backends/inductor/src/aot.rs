//! Ahead of time: Programs written to a folder, and made into packages.

use crate::exporter::Exporter;
use crate::jobs::{Captured, Job, jobs_of, pairs};
use crate::packages::hash_of;
use crate::{Error, Manifest, Python, Result, Target};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fs;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::thread;
use tintype_program::Program;

/// What a compile tells.
#[derive(Clone, Debug)]
pub struct Progress<'p> {
    /// Which of the Programs, from 1.
    pub number: usize,
    /// How many there are.
    pub total: usize,
    /// What it is called.
    pub name: &'p str,
    /// `there already`, `exporting`, `compiling`, `done`.
    pub doing: &'p str,
}

/// How packages are made.
#[derive(Clone, Debug, Default)]
pub struct AotOptions {
    /// torch's device: `cpu`, `cuda:0`.
    pub device: String,
    /// Whether a Program's repeated blocks, and what stands between them, become packages, in place of the whole.
    pub blocks: bool,
    /// How many are made at a time; 0 as 1.
    pub jobs: usize,
    /// One package for all of a range of sizes, of each Program that was captured at two of them: see [`tintype_program::Template`].
    pub dynamic: Option<RangeInclusive<usize>>,
    /// Whether queries, keys and values become one product: see [`tintype_accel::Joined`].
    pub fuse_qkv: bool,
    /// Inductor's options, by its own names.
    pub inductor: BTreeMap<String, Value>,
}

/// Processes that compile one package's kernels.
const MOST_THREADS: usize = 8;
/// Digits of a hash that name a file.
pub(crate) const DIGITS: usize = 16;

/// Writes Programs into `folder`, each as `NAME-HASH.json`, and gives the files. Nothing runs. A file that is there already is
/// the same, and stays.
pub fn capture<'p>(
    programs: impl IntoIterator<Item = (&'p str, &'p Program)>,
    folder: &Path,
) -> Result<Vec<PathBuf>> {
    fs::create_dir_all(folder).map_err(|error| Error::file(folder, error))?;
    let mut written = Vec::new();
    for (name, program) in programs {
        let path = folder.join(format!("{name}-{}.json", short(program)));
        if !path.is_file() {
            put(folder, &path, program.to_json()?.as_bytes())?;
        }
        written.push(path);
    }
    Ok(written)
}

/// Makes a package of every Program in `captured`, or of its regions, that has none in `folder` yet: made for this machine's device,
/// by the same torch, with the same options. A package appears whole or not at all, so a compile that was broken off is taken up
/// where it ended. Beside the packages of regions, `NAME.regions.json` says in which order they run.
pub fn compile(
    python: &Python,
    captured: &Path,
    folder: &Path,
    options: &AotOptions,
    tell: &mut (dyn FnMut(Progress<'_>) + Send),
) -> Result<Vec<PathBuf>> {
    let captured = Captured::all(captured, options.fuse_qkv)?;
    fs::create_dir_all(folder).map_err(|error| Error::file(folder, error))?;
    let mut jobs: Vec<Job> = Vec::new();
    let wanted = match &options.dynamic {
        None => captured.iter().map(|one| (one, None)).collect(),
        Some(_) => pairs(&captured)?,
    };
    for (one, other) in wanted {
        for job in jobs_of(one, other, folder, python, options)? {
            if !jobs.iter().any(|known| known.target == job.target) {
                jobs.push(job);
            }
        }
    }
    let total = jobs.len();
    // Asked for when the first package is found, and started when the first is to be made.
    let (here, exporter) = (OnceLock::new(), OnceLock::new());
    let (next, tell) = (AtomicUsize::new(0), Mutex::new(tell));
    let outcomes: Vec<OnceLock<Result<()>>> = jobs.iter().map(|_| OnceLock::new()).collect();
    let work = || {
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            let Some((job, outcome)) = jobs.get(index).zip(outcomes.get(index)) else { return };
            let mut say = |doing: &str| {
                let mut tell = tell.lock().unwrap_or_else(PoisonError::into_inner);
                tell(Progress { number: index + 1, total, name: &job.name, doing });
            };
            let made = make(job, python, (&here, &exporter), folder, options, &mut say);
            if made.is_err() {
                // No more are begun.
                next.store(total, Ordering::Relaxed);
            }
            outcome.get_or_init(|| made);
        }
    };
    thread::scope(|scope| {
        for _ in 1..options.jobs.clamp(1, total.max(1)) {
            scope.spawn(work);
        }
        work();
    });
    for outcome in outcomes {
        outcome.into_inner().transpose()?;
    }
    Ok(jobs.into_iter().map(|job| job.target).collect())
}

/// Makes a package, unless it is there.
fn make(
    job: &Job,
    python: &Python,
    (here, exporter): (&OnceLock<Option<Target>>, &OnceLock<Result<Exporter>>),
    folder: &Path,
    options: &AotOptions,
    say: &mut dyn FnMut(&str),
) -> Result<()> {
    let Job { name, block, kind, program, template, target } = job;
    let here = || here.get_or_init(|| python.target(&options.device)).as_ref();
    match find(target, block, options, here) {
        Found::There => {
            say("there already");
            return Ok(());
        }
        Found::Elsewhere(why) => say(&format!("made anew, for {why}")),
        Found::No => {}
    }
    let work = tempfile::Builder::new().prefix(".aot-").tempdir_in(folder);
    let work = work.map_err(|error| Error::file(folder, error))?;
    let read = work.path().join("program.json");
    let text = match template {
        Some(template) => template.to_json(),
        None => program.to_json()?,
    };
    fs::write(&read, text).map_err(|error| Error::file(&read, error))?;
    let exporter = match exporter.get_or_init(|| Exporter::start(python, folder)) {
        Ok(exporter) => exporter,
        Err(error) => return Err(Error::file(python.program(), error)),
    };
    let cores = thread::available_parallelism().map_or(1, usize::from);
    let order = [
        ("identity", json!({ "block": block, "name": program.entry().name, "kind": kind })),
        ("device", options.device.as_str().into()),
        ("threads", (cores / options.jobs.max(1)).clamp(1, MOST_THREADS).into()),
        ("options", json!(options.inductor)),
    ];
    let order = order.into_iter().map(|(key, value)| (key.to_string(), value)).collect();
    let package = exporter.export(name, &read, order, work.path(), say)?;
    // What is written is what will be read.
    Manifest::read(&package)?.checked_code(&package)?;
    if target.exists() {
        fs::remove_dir_all(target).map_err(|error| Error::file(target, error))?;
    }
    fs::rename(&package, target).map_err(|error| Error::file(target, error))?;
    say("done");
    Ok(())
}

/// A package that was asked for.
enum Found {
    No,
    There,
    /// It is there, whole and made as is asked for, and does not run here.
    Elsewhere(String),
}

/// Whether a package is there, whole, made as is asked for and for this machine. Where torch does not know the device, nobody can
/// say that it is for another.
fn find<'t>(
    target: &Path,
    block: &str,
    options: &AotOptions,
    here: impl FnOnce() -> Option<&'t Target>,
) -> Found {
    let Ok(manifest) = Manifest::read(target) else { return Found::No };
    if manifest.block != block
        || manifest.options != options.inductor
        || manifest.checked_code(target).is_err()
    {
        return Found::No;
    }
    here().and_then(|here| here.mismatch(&manifest)).map_or(Found::There, Found::Elsewhere)
}

fn short(program: &Program) -> String {
    let hash = hash_of(program).map(|hash| hash.to_string()).unwrap_or_default();
    hash.chars().take(DIGITS).collect()
}

/// Writes a file so that its name never stands for half of it.
pub(crate) fn put(folder: &Path, path: &Path, bytes: &[u8]) -> Result<()> {
    let written = tempfile::NamedTempFile::new_in(folder).and_then(|file| {
        fs::write(file.path(), bytes)?;
        file.as_file().sync_all()?;
        file.persist(path).map_err(|error| error.error)?;
        Ok(())
    });
    written.map_err(|error| Error::file(path, error))
}
