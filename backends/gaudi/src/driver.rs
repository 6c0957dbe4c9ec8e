//! The driver.

use crate::accelerator::GaudiAccelerator;
use crate::autocast::Autocast;
use crate::context::Context;
use crate::device::Acquired;
use crate::obstacle::{MODULES, forbidden, module, obstacle, refused};
use crate::options::{AttentionKind, Options, Region};
use crate::recipe::{Disk, Recipes};
use crate::runtime::Runtime;
use crate::sys::DeviceType;
use std::sync::Arc;
use tintype_accel::{
    Accelerator, Capabilities, Device, Driver, Error, LaunchMode, Obstacle, ObstacleKind, OpenOptions, Probe,
    Result,
};
use tintype_program::DType;

/// The Gaudi plugin's driver. Its one device is the one that the runtime gives this process: the first free one of the
/// newest type, or the module that `HLS_MODULE_ID` or `HABANA_VISIBLE_MODULES` names.
#[derive(Clone, Debug, Default)]
pub struct GaudiDriver {
    options: Option<Options>,
    autocast: Option<Autocast>,
    attention: Option<AttentionKind>,
    region: Option<Region>,
}

impl GaudiDriver {
    /// A driver that works as these options say, whatever the environment does.
    pub fn with(options: Options) -> Self {
        Self { options: Some(options), ..Self::default() }
    }

    /// The same driver, with mixed precision by these lists for what is computed in f32.
    pub fn with_autocast(self, autocast: Option<Autocast>) -> Self {
        Self { autocast, ..self }
    }

    /// The same driver, with attention made as it is said here, if it is, whatever its options say.
    pub fn with_attention(self, attention: Option<AttentionKind>) -> Self {
        Self { attention, ..self }
    }

    /// The same driver, with recipes that hold as much as it is said here, if it is, whatever its options say.
    pub fn with_region(self, region: Option<Region>) -> Self {
        Self { region, ..self }
    }

    fn options(&self) -> std::result::Result<Options, Obstacle> {
        match &self.options {
            Some(options) => Ok(options.clone()),
            None => Options::from_env().map_err(|reason| Obstacle {
                kind: ObstacleKind::Unsupported,
                reason,
                remedy: "Correct the variable or unset it; docs/gaudi.md lists them".into(),
            }),
        }
    }
}

/// What the device is, as far as it is known before it is acquired, or after.
fn describe(runtime: &Runtime, kind: DeviceType, acquired: Option<&Acquired>) -> Device {
    let synapse = &runtime.synapse;
    let name = acquired.map(|device| device.name.clone()).filter(|name| !name.is_empty());
    let module = acquired.and_then(|device| device.module);
    let driver = runtime.driver_version().unwrap_or_else(|_| "unknown".into());
    Device {
        backend: crate::NAME,
        ordinal: 0,
        id: module.map_or_else(|| format!("{}:0", crate::NAME), |module| format!("module:{module}")),
        name: name.unwrap_or_else(|| format!("Intel {}", kind.name())),
        arch: kind.name().into(),
        memory: acquired.map(|device| device.memory),
        emulated: synapse.emulated,
        versions: vec![("driver".into(), driver), ("libSynapse".into(), synapse.path.display().to_string())],
        capabilities: Capabilities {
            dtypes: vec![DType::F32, DType::Bf16, DType::F16],
            launch: vec![LaunchMode::Compiled, LaunchMode::Eager, LaunchMode::Lazy, LaunchMode::Graph],
        },
    }
}

impl Driver for GaudiDriver {
    fn name(&self) -> &'static str {
        crate::NAME
    }

    fn preference(&self) -> u32 {
        80
    }

    fn probe(&self) -> Probe {
        let found = self.options().and_then(|_| module()).and_then(|_| {
            let runtime = Runtime::get().map_err(refused)?;
            let (all, kinds) = runtime.devices().map_err(|fault| obstacle(&fault))?;
            match kinds.first() {
                Some((kind, _)) => Ok(describe(&runtime, *kind, None)),
                None => Err(forbidden().unwrap_or_else(|| Obstacle {
                    kind: if all > 0 { ObstacleKind::Unsupported } else { ObstacleKind::NoDevice },
                    reason: format!(
                        "{} finds {all} devices, none of them a Gaudi, Gaudi2 or Gaudi3",
                        runtime.synapse.path.display()
                    ),
                    remedy: "Check `hl-smi`, and that the process or container sees /dev/accel".into(),
                })),
            }
        });
        match found {
            Ok(device) => Probe { devices: vec![device], obstacle: None },
            Err(obstacle) => Probe { devices: Vec::new(), obstacle: Some(obstacle) },
        }
    }

    fn open(&self, ordinal: usize, _options: &OpenOptions) -> Result<Arc<dyn Accelerator>> {
        let unavailable = |obstacle: Obstacle| Error::Unavailable {
            backend: crate::NAME.into(),
            reason: obstacle.reason,
            remedy: obstacle.remedy,
        };
        let mut options = self.options().map_err(unavailable)?;
        if self.autocast.is_some() {
            options.autocast.clone_from(&self.autocast);
        }
        options.attention = self.attention.unwrap_or(options.attention);
        options.region = self.region.or(options.region);
        let module = module().map_err(unavailable)?;
        if ordinal != 0 {
            return Err(Error::NoSuchDevice {
                backend: crate::NAME.into(),
                device: ordinal.to_string(),
                known: format!(
                    "{0}:0, the one that the runtime gives this process; {1} chooses another",
                    crate::NAME,
                    MODULES[0]
                ),
            });
        }
        let runtime = Runtime::get().map_err(refused).map_err(unavailable)?;
        let device = Acquired::get(&runtime, module).map_err(|fault| unavailable(obstacle(&fault)))?;
        let disk = options.disk.as_ref().map(Disk::open).transpose().map_err(|reason| {
            unavailable(Obstacle {
                kind: ObstacleKind::NoPermission,
                reason: format!("the recipe cache cannot be used: {reason}"),
                remedy: "Name another folder with PT_HPU_RECIPE_CACHE_CONFIG, or unset it".into(),
            })
        })?;
        let mut info = describe(&runtime, device.kind, Some(&device));
        if options.autocast.is_some() {
            // Part of what made a picture, and of how long it took.
            info.name.push_str(" with autocast");
        }
        let context = Context::new(info, device, options, Recipes::new(disk))?;
        Ok(Arc::new(GaudiAccelerator::new(Arc::new(context))))
    }
}
