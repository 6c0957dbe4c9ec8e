//! The backends of a command, with what a `gaudi_config.json` says to one of them.

use crate::args::GaudiArgs;
use crate::progress::Progress;
use anyhow::{Context, Result, bail};
use std::path::{Path, PathBuf};
use tintype::accel::Device;
use tintype::{DType, Registry};

const FILE: &str = "gaudi_config.json";
const BACKEND: &str = "gaudi";

/// The backends, and the configuration that was read for one.
pub(crate) struct Backends {
    pub(crate) registry: Registry,
    config: Option<Config>,
}

struct Config {
    path: PathBuf,
    /// Whether an option named it.
    named: bool,
    notes: Vec<String>,
    autocast: bool,
}

impl Backends {
    /// With the configuration that an option names, or that lies in the model's folder on disk.
    pub(crate) fn of(args: &GaudiArgs, model: Option<&Path>) -> Result<Self> {
        let named = args.gaudi_config.as_ref();
        let path = match named {
            Some(path) if path.is_dir() => Some(path.join(FILE)),
            Some(path) => Some(path.clone()),
            None => model.map(|folder| folder.join(FILE)).filter(|path| path.is_file()),
        };
        let mut backends = Self { registry: tintype::backends(), config: None };
        if let Some(path) = path {
            backends.configure(path, named.is_some())?;
        }
        Ok(backends)
    }

    #[cfg(feature = "gaudi")]
    fn configure(&mut self, path: PathBuf, named: bool) -> Result<()> {
        use tintype::gaudi::{GaudiConfig, GaudiDriver};
        let text =
            std::fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        let config = match GaudiConfig::parse(&text) {
            Ok(config) => config,
            Err(reason) => bail!("{}: {reason}", path.display()),
        };
        let GaudiConfig { autocast, notes } = config;
        self.config = Some(Config { path, named, notes, autocast: autocast.is_some() });
        let driver = GaudiDriver::default().with_autocast(autocast);
        self.registry.register(std::sync::Arc::new(driver));
        Ok(())
    }

    #[cfg(not(feature = "gaudi"))]
    fn configure(&mut self, path: PathBuf, named: bool) -> Result<()> {
        match named {
            true => bail!("--gaudi-config {}: this build has no backend {BACKEND}", path.display()),
            false => Ok(()),
        }
    }

    /// Says what of the configuration has no effect.
    pub(crate) fn tell(&self, device: &Device, dtype: DType, progress: &mut Progress) {
        let Some(Config { path, named, notes, autocast }) = &self.config else { return };
        if device.backend != BACKEND {
            if *named {
                progress.warn(format!("--gaudi-config has no effect on {}", device.backend));
            }
            return;
        }
        for note in notes {
            progress.warn(format!("{}: {note}", path.display()));
        }
        if *autocast && dtype != DType::F32 {
            progress.warn(format!(
                "{}: use_torch_autocast has no effect, since all is computed in {dtype}; --dtype f32 gives it one",
                path.display()
            ));
        }
    }
}
