//! The engine of a command: the device's own, or packages on it.

#[cfg(feature = "inductor")]
use crate::args::Engine;
use crate::args::EngineArgs;
#[cfg(feature = "inductor")]
use crate::say;
use anyhow::Result;
use std::sync::Arc;
use tintype::accel::Accelerator;

/// A device with an engine.
pub(crate) struct Engined {
    pub(crate) accelerator: Arc<dyn Accelerator>,
    #[cfg(feature = "inductor")]
    packages: Option<Arc<tintype::inductor::InductorAccelerator>>,
}

impl Engined {
    /// Puts the engine that was asked for on a device.
    #[cfg(feature = "inductor")]
    pub(crate) fn of(args: &EngineArgs, accelerator: Arc<dyn Accelerator>) -> Result<Self> {
        use tintype::inductor::{InductorAccelerator, Packages};
        let folder = match (args.engine, &args.packages) {
            (Engine::Native, None) => return Ok(Self { accelerator, packages: None }),
            (Engine::Native, Some(_)) => {
                anyhow::bail!("--packages has no effect on --engine native: give --engine auto or inductor")
            }
            (_, None) => {
                anyhow::bail!("--engine auto and inductor take packages: name their folder with --packages")
            }
            (_, Some(folder)) => folder,
        };
        let required = args.engine == Engine::Inductor;
        let packages = InductorAccelerator::new(accelerator, Packages::open(folder)?, required)?;
        let packages = Arc::new(packages);
        let torch = packages.libtorch();
        say::note(format!(
            "packages: {}, libtorch {} ({})",
            folder.display(),
            torch.version(),
            torch.path().display()
        ));
        Ok(Self { accelerator: Arc::clone(&packages) as _, packages: Some(packages) })
    }

    /// Puts the engine that was asked for on a device.
    #[cfg(not(feature = "inductor"))]
    pub(crate) fn of(args: &EngineArgs, accelerator: Arc<dyn Accelerator>) -> Result<Self> {
        match (args.engine, &args.packages) {
            (crate::args::Engine::Native, None) => Ok(Self { accelerator }),
            _ => anyhow::bail!("this build has no engine but native: build with the feature `inductor`"),
        }
    }

    /// Which engine each Program ran on.
    pub(crate) fn report(&self) -> serde_json::Value {
        #[cfg(feature = "inductor")]
        if let Some(packages) = &self.packages {
            return serde_json::json!(packages.used());
        }
        serde_json::Value::String("native".into())
    }

    /// The engines that ran, and libtorch's version, where packages might have.
    pub(crate) fn name(&self) -> Option<(String, String)> {
        #[cfg(feature = "inductor")]
        if let Some(packages) = &self.packages {
            let engines: std::collections::BTreeSet<_> =
                packages.used().iter().map(|used| used.engine).collect();
            let engines: Vec<_> = engines.into_iter().collect();
            return Some((engines.join(" and "), packages.libtorch().version().into()));
        }
        None
    }

    /// Says which engine each Program ran on, where there was a choice.
    pub(crate) fn tell(&self) {
        #[cfg(feature = "inductor")]
        for used in self.packages.iter().flat_map(|packages| packages.used()) {
            say::note(format!("engine: {} ran {} ({})", used.engine, used.program, used.why));
        }
    }
}
