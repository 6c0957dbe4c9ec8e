//! The engine of a command: the device's own, packages on it, or PyTorch's library in its place.

use crate::args::{Engine, EngineArgs};
use crate::say;
use anyhow::{Result, bail};
use std::sync::Arc;
use tintype::Registry;
use tintype::accel::Accelerator;

/// A device with an engine.
pub(crate) struct Engined {
    pub(crate) accelerator: Arc<dyn Accelerator>,
    engine: Engine,
    #[cfg(feature = "inductor")]
    packages: Option<Arc<tintype::inductor::InductorAccelerator>>,
}

/// The backends that an engine opens devices of: its own where it drives them itself.
pub(crate) fn registry(args: &EngineArgs, backends: &Registry) -> Result<Registry> {
    if args.engine != Engine::Torch {
        return Ok(backends.clone());
    }
    if args.packages.is_some() {
        bail!("--packages has no effect on --engine torch: give --engine auto or inductor");
    }
    #[cfg(feature = "torch")]
    return Ok(tintype::torch_backends());
    #[cfg(not(feature = "torch"))]
    bail!(
        "this build has no engine torch. Build it with `cargo build --release -p tintype-cli --features torch`, where a Python with torch 2.11 is \
         on the path and LIBTORCH_USE_PYTORCH=1 is set, or LIBTORCH names the folder of a libtorch 2.11"
    )
}

impl Engined {
    /// Puts the engine that was asked for on a device of [`registry`].
    pub(crate) fn of(args: &EngineArgs, accelerator: Arc<dyn Accelerator>, tf32: bool) -> Result<Self> {
        match (args.engine, &args.packages) {
            (Engine::Native, Some(_)) => {
                bail!("--packages has no effect on --engine native: give --engine auto or inductor")
            }
            (engine @ (Engine::Native | Engine::Torch), _) => {
                let engined = Self::alone(engine, accelerator);
                if let Some((engine, libtorch)) = engined.name() {
                    say::note(format!("engine: {engine}, libtorch {libtorch}"));
                }
                Ok(engined)
            }
            (Engine::Auto | Engine::Inductor, packages) => {
                Self::with_packages(args.engine, packages.as_deref(), accelerator, tf32)
            }
        }
    }

    fn alone(engine: Engine, accelerator: Arc<dyn Accelerator>) -> Self {
        Self {
            accelerator,
            engine,
            #[cfg(feature = "inductor")]
            packages: None,
        }
    }

    #[cfg(feature = "inductor")]
    fn with_packages(
        engine: Engine,
        folder: Option<&std::path::Path>,
        accelerator: Arc<dyn Accelerator>,
        tf32: bool,
    ) -> Result<Self> {
        use tintype::inductor::{InductorAccelerator, Packages};
        let Some(folder) = folder else {
            bail!("--engine auto and inductor take packages: name their folder with --packages")
        };
        let required = engine == Engine::Inductor;
        let packages =
            InductorAccelerator::new(accelerator, Packages::open(folder)?, required)?.with_tf32(tf32)?;
        let packages = Arc::new(packages);
        let torch = packages.libtorch();
        say::note(format!(
            "packages: {}, libtorch {} ({})",
            folder.display(),
            torch.version(),
            torch.path().display()
        ));
        Ok(Self { accelerator: Arc::clone(&packages) as _, engine, packages: Some(packages) })
    }

    #[cfg(not(feature = "inductor"))]
    fn with_packages(
        _: Engine,
        _: Option<&std::path::Path>,
        _: Arc<dyn Accelerator>,
        _: bool,
    ) -> Result<Self> {
        bail!("this build has no engine for packages: build with the feature `inductor`")
    }

    /// Which engine each Program ran on.
    pub(crate) fn report(&self) -> serde_json::Value {
        #[cfg(feature = "inductor")]
        if let Some(packages) = &self.packages {
            return serde_json::json!(packages.used());
        }
        let name = if self.engine == Engine::Torch { "torch" } else { "native" };
        serde_json::Value::String(name.into())
    }

    /// The engines that ran, and libtorch's version, where another than the device's own might have.
    pub(crate) fn name(&self) -> Option<(String, String)> {
        #[cfg(feature = "inductor")]
        if let Some(packages) = &self.packages {
            let engines: std::collections::BTreeSet<_> =
                packages.used().iter().map(|used| used.engine).collect();
            let engines: Vec<_> = engines.into_iter().collect();
            return Some((engines.join(" and "), packages.libtorch().version().into()));
        }
        let versions = &self.accelerator.device().versions;
        let libtorch = versions.iter().find(|(name, _)| self.engine == Engine::Torch && name == "libtorch");
        libtorch.map(|(_, version)| ("torch".into(), version.clone()))
    }

    /// How long packages took until they could run.
    pub(crate) fn ready(&self) -> Option<tintype::bench::PackagesReady> {
        #[cfg(feature = "inductor")]
        if let Some(packages) = &self.packages {
            let ready = packages.ready();
            return Some(tintype::bench::PackagesReady {
                library: ready.libtorch,
                load: ready.packages + ready.models,
                first_run: ready.first_runs,
            });
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
