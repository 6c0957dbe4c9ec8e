//! The exporter: Python sources that this library carries, and the interpreter that runs them.

use crate::{Error, Result};
use serde::Deserialize;
use std::env;
use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The variable that names the interpreter.
pub const PYTHON: &str = "TINTYPE_PYTHON";

/// The exporter's sources, by file.
const SOURCES: [(&str, &str); 6] = [
    ("__main__.py", include_str!("../exporter/__main__.py")),
    ("encodings_of_params.py", include_str!("../exporter/encodings_of_params.py")),
    ("module.py", include_str!("../exporter/module.py")),
    ("package.py", include_str!("../exporter/package.py")),
    ("reader.py", include_str!("../exporter/reader.py")),
    ("template.py", include_str!("../exporter/template.py")),
];

/// The system's C++ compiler, unless `CXX` names another.
const SYSTEM_COMPILER: &str = "/usr/bin/g++";
/// Lines of the exporter's standard error that a message quotes.
const QUOTED: usize = 12;

/// What the exporter tells, one object a line.
#[derive(Debug, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
enum Told {
    About { torch: String },
    Exporting,
    Compiling,
    Done,
    Failed { error: String, reason: Vec<String> },
}

/// A Python that has torch.
#[derive(Clone, Debug)]
pub struct Python {
    program: PathBuf,
    torch: String,
}

/// The interpreters to try: the one that is named, or those that the path has.
pub(crate) fn interpreters() -> Vec<PathBuf> {
    match env::var_os(PYTHON) {
        Some(named) => vec![named.into()],
        None => vec!["python3".into(), "python".into()],
    }
}

impl Python {
    /// The first interpreter that has torch.
    ///
    /// # Errors
    ///
    /// [`Error::NoPython`], with what each of those said that were tried.
    pub fn find() -> Result<Self> {
        let mut tried = Vec::new();
        for program in interpreters() {
            match about(&program) {
                Ok(torch) => return Ok(Self { program, torch }),
                Err(reason) => tried.push(format!("{}: {reason}", program.display())),
            }
        }
        Err(Error::NoPython { tried: tried.join("; ") })
    }

    /// Its torch's version: `2.11.0`.
    pub fn torch(&self) -> &str {
        &self.torch
    }

    /// The interpreter.
    pub fn program(&self) -> &Path {
        &self.program
    }

    /// Has a package made in `work`, an empty folder: `work/package`. `name` is for messages.
    pub(crate) fn export(
        &self,
        name: &str,
        program: &Path,
        request: &serde_json::Value,
        work: &Path,
        tell: &mut dyn FnMut(&str),
    ) -> Result<PathBuf> {
        let (sources, package) = (work.join("exporter"), work.join("package"));
        let (asked, log) = (work.join("request.json"), work.join("log.txt"));
        let written = fs::create_dir(&sources)
            .and_then(|()| fs::create_dir(&package))
            .and_then(|()| fs::write(&asked, request.to_string()))
            .and_then(|()| SOURCES.iter().try_for_each(|(name, text)| fs::write(sources.join(name), text)));
        written.map_err(|error| Error::file(work, error))?;
        let errors = File::create(&log).map_err(|error| Error::file(&log, error))?;
        let mut command = Command::new(&self.program);
        // A compiler whose libstdc++ is linked statically makes code that PyTorch's own loader crashes on: the system's has it
        // shared.
        if env::var_os("CXX").is_none() && Path::new(SYSTEM_COMPILER).exists() {
            command.env("CXX", SYSTEM_COMPILER);
        }
        let started = command
            .arg(&sources)
            .arg("compile")
            .args([program, &package, &asked])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(errors)
            .spawn();
        let mut child = started
            .map_err(|error| Error::NoPython { tried: format!("{}: {error}", self.program.display()) })?;
        let (mut done, mut reason) = (false, None);
        for line in
            child.stdout.take().into_iter().flat_map(|out| BufReader::new(out).lines()).map_while(|l| l.ok())
        {
            // Compilers of torch's may print lines of their own.
            match serde_json::from_str(&line) {
                Ok(Told::Exporting) => tell("exporting"),
                Ok(Told::Compiling) => tell("compiling"),
                Ok(Told::Done) => done = true,
                Ok(Told::Failed { error, reason: lines }) => {
                    reason = Some(format!("{error}: {}", lines.join(" ")));
                }
                Ok(Told::About { .. }) | Err(_) => {}
            }
        }
        let status = child.wait().map_err(|error| Error::file(&self.program, error))?;
        if done && status.success() {
            return Ok(package);
        }
        let log = fs::read(&log).unwrap_or_default();
        let log = String::from_utf8_lossy(&log);
        let lines: Vec<_> = log.lines().collect();
        Err(Error::Exporter {
            program: name.into(),
            reason: reason.unwrap_or_else(|| format!("it ended before it was done, {status}")),
            log: lines[lines.len().saturating_sub(QUOTED)..].join("\n"),
        })
    }
}

/// The version of an interpreter's torch.
fn about(program: &Path) -> std::result::Result<String, String> {
    let ask = "import json, torch\nversion = torch.__version__.split('+')[0]\nprint(json.dumps({'event': 'about', 'torch': version}))";
    let told = Command::new(program).args(["-c", ask]).stdin(Stdio::null()).output();
    let told = told.map_err(|error| error.to_string())?;
    let text = String::from_utf8_lossy(&told.stdout);
    match text.lines().find_map(|line| serde_json::from_str(line).ok()) {
        Some(Told::About { torch }) if told.status.success() => Ok(torch),
        _ => {
            let errors = String::from_utf8_lossy(&told.stderr);
            let last = errors.lines().rev().find(|line| !line.trim().is_empty());
            Err(last.unwrap_or("it does not say which torch it has").trim().to_owned())
        }
    }
}
