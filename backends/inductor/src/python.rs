//! The interpreter that packages are made with.

use crate::{Error, Result, Target};
use serde::Deserialize;
use std::env;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The variable that names the interpreter.
pub const PYTHON: &str = "TINTYPE_PYTHON";

/// Asks for torch's version without importing it, which takes seconds.
const ASK: &str = "
import json
from importlib import metadata, util
if util.find_spec('torch') is None:
    raise ModuleNotFoundError(\"No module named 'torch'\")
print(json.dumps({'torch': metadata.version('torch').split('+')[0]}))
";

/// Asks for a GPU's architecture, for which torch has to be imported.
const ASK_GPU: &str = "
import sys, torch
print('sm_%d%d' % torch.cuda.get_device_capability(sys.argv[1]))
";

#[derive(Debug, Deserialize)]
struct About {
    torch: String,
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

    /// What packages have to be made for to run here, on one of torch's devices. None where torch knows no such device.
    pub(crate) fn target(&self, device: &str) -> Option<Target> {
        let target = Target::of_host(&self.torch);
        if !device.starts_with("cuda") {
            return Some(target);
        }
        let told = Command::new(&self.program).args(["-c", ASK_GPU, device]).stdin(Stdio::null()).output();
        let text = String::from_utf8(told.ok()?.stdout).ok()?;
        let arch = text.lines().map(str::trim).find(|line| line.starts_with("sm_"))?;
        Some(Target { device: "cuda".into(), arch: arch.into(), ..target })
    }

    /// The interpreter.
    pub fn program(&self) -> &Path {
        &self.program
    }
}

/// The version of an interpreter's torch.
fn about(program: &Path) -> std::result::Result<String, String> {
    let told = Command::new(program).args(["-c", ASK]).stdin(Stdio::null()).output();
    let told = told.map_err(|error| error.to_string())?;
    let text = String::from_utf8_lossy(&told.stdout);
    match text.lines().find_map(|line| serde_json::from_str(line).ok()) {
        Some(About { torch }) if told.status.success() => Ok(torch),
        _ => {
            let errors = String::from_utf8_lossy(&told.stderr);
            let last = errors.lines().rev().find(|line| !line.trim().is_empty());
            Err(last.unwrap_or("it does not say which torch it has").trim().to_owned())
        }
    }
}
