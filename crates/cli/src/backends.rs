//! The backends of a command, with what options and a `gaudi_config.json` say to one of them.

use crate::args::{GaudiArgs, RecipeArgs};
use crate::progress::Progress;
use anyhow::{Result, bail};
use std::path::{Path, PathBuf};
use tintype::accel::Device;
use tintype::{DType, Registry};

const FILE: &str = "gaudi_config.json";
const BACKEND: &str = "gaudi";

/// The backends, and what was said to one of them.
pub(crate) struct Backends {
    pub(crate) registry: Registry,
    recipes: RecipeArgs,
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
    /// With the options, and the configuration that one of them names or that lies in the model's folder on disk.
    pub(crate) fn of(args: &GaudiArgs, model: Option<&Path>) -> Result<Self> {
        let named = args.gaudi_config.as_ref();
        let path = match named {
            Some(path) if path.is_dir() => Some(path.join(FILE)),
            Some(path) => Some(path.clone()),
            None => model.map(|folder| folder.join(FILE)).filter(|path| path.is_file()),
        };
        Self::new(args.recipes, path.map(|path| (path, named.is_some())))
    }

    /// With the options alone.
    pub(crate) fn with(recipes: RecipeArgs) -> Result<Self> {
        Self::new(recipes, None)
    }

    #[cfg(feature = "gaudi")]
    fn new(recipes: RecipeArgs, file: Option<(PathBuf, bool)>) -> Result<Self> {
        use anyhow::Context;
        use tintype::gaudi::{GaudiConfig, GaudiDriver};
        let mut driver = GaudiDriver::default()
            .with_attention(recipes.attention.map(Into::into))
            .with_region(recipes.region.map(Into::into));
        let mut config = None;
        if let Some((path, named)) = file {
            let text =
                std::fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
            let GaudiConfig { autocast, notes } = match GaudiConfig::parse(&text) {
                Ok(config) => config,
                Err(reason) => bail!("{}: {reason}", path.display()),
            };
            config = Some(Config { path, named, notes, autocast: autocast.is_some() });
            driver = driver.with_autocast(autocast);
        }
        let mut registry = tintype::backends();
        registry.register(std::sync::Arc::new(driver));
        Ok(Self { registry, recipes, config })
    }

    #[cfg(not(feature = "gaudi"))]
    fn new(recipes: RecipeArgs, file: Option<(PathBuf, bool)>) -> Result<Self> {
        let named = file.and_then(|(_, named)| named.then_some("--gaudi-config"));
        match named.or(recipes.given().next()) {
            Some(option) => bail!("{option}: this build has no backend {BACKEND}"),
            None => Ok(Self { registry: tintype::backends(), recipes, config: None }),
        }
    }

    /// Says which options have no effect on this device.
    pub(crate) fn tell_options(&self, device: &Device, progress: &mut Progress) {
        if device.backend == BACKEND {
            return;
        }
        let config = self.config.as_ref().and_then(|config| config.named.then_some("--gaudi-config"));
        for option in config.into_iter().chain(self.recipes.given()) {
            progress.warn(format!("{option} has no effect on {}", device.backend));
        }
    }

    /// Says which options, and what of the configuration, have no effect.
    pub(crate) fn tell(&self, device: &Device, dtype: DType, progress: &mut Progress) {
        self.tell_options(device, progress);
        let Some(Config { path, notes, autocast, .. }) = &self.config else { return };
        if device.backend != BACKEND {
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
