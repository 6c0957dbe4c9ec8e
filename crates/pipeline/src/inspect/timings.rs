//! What steps took when they were run: a small file in the user's cache folder, so that a forecast can be held against it.

use super::forecast::Forecast;
use crate::files::write_beside;
use crate::folder::read_json;
use crate::{Error, Generated, Pipeline, Request, Result};
use serde::{Deserialize, Serialize};
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};
use tintype_accel::{Device, LaunchMode};

/// Entries that the file keeps, the newest.
const KEPT: usize = 500;

/// Everything that a step's time depends on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TimedRun {
    /// The model's fingerprint.
    pub fingerprint: String,
    /// The device's id and name.
    pub device: [String; 2],
    /// The launch mode.
    pub launch: LaunchMode,
    /// Threads that were asked for; none for all.
    pub threads: Option<usize>,
    /// The dtype of the arithmetic.
    pub dtype: String,
    /// What the denoiser's blocks were quantized to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quantize: Option<String>,
    /// Pixels.
    pub width: usize,
    /// Pixels.
    pub height: usize,
    /// Tokens of the T5 prompt.
    pub max_sequence_length: usize,
    /// Pictures made at once.
    pub batch_size: usize,
    /// Whether the denoiser runs twice a step.
    pub true_cfg: bool,
}

/// What a step took.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Timing {
    /// Of what.
    pub run: TimedRun,
    /// Seconds of a step of a whole batch, the first step aside.
    pub seconds_per_step: f64,
    /// When, in seconds since 1970.
    pub at: u64,
    /// The version that ran it.
    pub version: String,
}

/// What steps took, newest last.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Timings {
    /// One entry a run's key.
    pub timings: Vec<Timing>,
}

impl TimedRun {
    /// The key of a run that was forecast.
    pub fn forecast(fingerprint: &str, forecast: &Forecast, threads: Option<usize>) -> Self {
        let asked = &forecast.asked;
        Self {
            fingerprint: fingerprint.to_owned(),
            device: device(&forecast.device),
            launch: forecast.launch,
            threads,
            dtype: asked.dtype.clone(),
            quantize: asked.quantize.clone(),
            width: asked.width,
            height: asked.height,
            max_sequence_length: asked.max_sequence_length,
            batch_size: asked.batch_size,
            true_cfg: asked.true_cfg,
        }
    }

    /// The key of a run that was made.
    pub fn made(
        pipeline: &Pipeline,
        request: &Request,
        generated: &Generated,
        threads: Option<usize>,
    ) -> Self {
        let settings = &generated.settings;
        Self {
            fingerprint: pipeline.fingerprint().to_owned(),
            device: device(pipeline.accelerator().device()),
            launch: pipeline.launch(),
            threads,
            dtype: settings.dtype.clone(),
            quantize: settings.quantize.clone(),
            width: settings.width,
            height: settings.height,
            max_sequence_length: settings.max_sequence_length,
            batch_size: request.batch_size.unwrap_or(1),
            true_cfg: settings.true_cfg.is_some(),
        }
    }
}

fn device(device: &Device) -> [String; 2] {
    [device.id.clone(), device.name.clone()]
}

impl Timings {
    /// Where the file is: `timings.json` in `$XDG_CACHE_HOME/tintype`, else in `~/.cache/tintype`; none without either.
    pub fn path() -> Option<PathBuf> {
        path_by(|key| std::env::var_os(key))
    }

    /// Reads the file; nothing where there is none.
    ///
    /// # Errors
    ///
    /// [`Error::Read`] and [`Error::Json`].
    pub fn read(path: &Path) -> Result<Self> {
        match read_json(path) {
            Err(Error::Read { source, .. }) if source.kind() == std::io::ErrorKind::NotFound => {
                Ok(Self::default())
            }
            other => other,
        }
    }

    /// What a step of this run took when it was last run.
    pub fn find(&self, run: &TimedRun) -> Option<&Timing> {
        self.timings.iter().rev().find(|timing| timing.run == *run)
    }

    /// Enters what a step of a run took just now, in place of what is known of it.
    pub fn enter(&mut self, run: TimedRun, seconds_per_step: f64) {
        self.timings.retain(|timing| timing.run != run);
        let at = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
        let version = env!("CARGO_PKG_VERSION").to_owned();
        self.timings.push(Timing { run, seconds_per_step, at, version });
        let surplus = self.timings.len().saturating_sub(KEPT);
        self.timings.drain(..surplus);
    }

    /// Writes the file beside its name and renames it.
    ///
    /// # Errors
    ///
    /// [`Error::Write`].
    pub fn write(&self, path: &Path) -> Result<()> {
        let write_error = |source| Error::Write { path: path.to_path_buf(), source };
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).map_err(write_error)?;
        }
        let text =
            serde_json::to_string_pretty(self).map_err(|e| Error::Internal { reason: e.to_string() })?;
        write_beside(path, |file| file.write_all(text.as_bytes()))
    }

    /// Keeps what a step of a run took, where one was measured: reads the file, enters it, writes the file. Should the
    /// file be damaged, a new one takes its place: it holds nothing that cannot be measured again.
    ///
    /// # Errors
    ///
    /// As [`Timings::write`].
    pub fn keep(path: &Path, run: TimedRun, step_seconds: Option<f64>) -> Result<()> {
        let Some(seconds) = step_seconds else { return Ok(()) };
        let mut timings = Self::read(path).unwrap_or_default();
        timings.enter(run, seconds);
        timings.write(path)
    }
}

fn path_by(variable: impl Fn(&str) -> Option<OsString>) -> Option<PathBuf> {
    let folder = |key: &str| variable(key).filter(|value| !value.is_empty()).map(PathBuf::from);
    let cache = folder("XDG_CACHE_HOME").or_else(|| folder("HOME").map(|home| home.join(".cache")))?;
    Some(cache.join("tintype/timings.json"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Scratch;

    fn run(width: usize) -> TimedRun {
        TimedRun {
            fingerprint: "abc".into(),
            device: ["cpu:0".into(), "a processor".into()],
            launch: LaunchMode::Compiled,
            threads: None,
            dtype: "bf16".into(),
            quantize: None,
            width,
            height: 64,
            max_sequence_length: 8,
            batch_size: 1,
            true_cfg: false,
        }
    }

    #[test]
    fn the_newest_timing_of_a_run_is_kept() {
        let scratch = Scratch::new();
        let path = scratch.path().join("not/yet/timings.json");
        assert_eq!(Timings::read(&path).unwrap(), Timings::default());
        for seconds in [3.0, 2.0] {
            Timings::keep(&path, run(64), Some(seconds)).unwrap();
        }
        Timings::keep(&path, run(32), None).unwrap();
        let timings = Timings::read(&path).unwrap();
        assert_eq!(timings.timings.len(), 1);
        assert_eq!(timings.find(&run(64)).unwrap().seconds_per_step, 2.0);
        assert!(timings.find(&run(32)).is_none());
    }

    #[test]
    fn the_file_stays_small_and_a_damaged_one_is_replaced() {
        let scratch = Scratch::new();
        let path = scratch.file("timings.json", "{\"timings\": [");
        assert!(Timings::read(&path).is_err());
        Timings::keep(&path, run(64), Some(1.0)).unwrap();
        let mut timings = Timings::read(&path).unwrap();
        (0..2 * KEPT).for_each(|width| timings.enter(run(width), 1.0));
        assert_eq!(timings.timings.len(), KEPT);
    }

    #[test]
    fn the_cache_folder_follows_the_variables() {
        let with = |key: &'static str| path_by(move |k| (k == key).then(|| "/c".into()));
        assert_eq!(with("XDG_CACHE_HOME"), Some("/c/tintype/timings.json".into()));
        assert_eq!(with("HOME"), Some("/c/.cache/tintype/timings.json".into()));
        assert_eq!(with("OTHER"), None);
    }
}
