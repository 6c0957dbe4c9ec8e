//! Drivers: libtorch's devices under the names of the plugins that drive them too.

use crate::accelerator::TorchAccelerator;
use crate::context::Context;
use crate::family::{Family, version};
use std::sync::Arc;
use tintype_accel::{
    Accelerator, Capabilities, Device, Driver, Error, LaunchMode, Obstacle, ObstacleKind, OpenOptions, Probe,
    Registry, Result,
};
use tintype_program::DType;

/// libtorch's own variable that lets products of f32 take tf32.
const TF32: &str = "TORCH_ALLOW_TF32_CUBLAS_OVERRIDE";

/// libtorch's threads take memory each, so an absurd number would take all there is.
const MOST_THREADS: usize = 4096;

/// The devices that libtorch may have, each under the name of the plugin that drives it natively: `cpu`, `cuda`, `rocm`, `mps`.
/// `native` are the plugins of a build; they are asked for names and ids of devices, and open none. Those whose devices libtorch
/// does not have are there as well, to say so.
pub fn registry(native: impl IntoIterator<Item = Arc<dyn Driver>>) -> Registry {
    let mut registry = Registry::new();
    for family in Family::ALL {
        registry.register(Arc::new(TorchDriver {
            name: family.name(),
            preference: u32::from(family != Family::Cpu),
            family: Some(family),
            native: None,
        }));
    }
    for driver in native {
        registry.register(Arc::new(TorchDriver::beside(driver)));
    }
    registry
}

/// The devices of one plugin, driven by libtorch.
pub struct TorchDriver {
    name: &'static str,
    preference: u32,
    /// libtorch's name for them; none where it has none.
    family: Option<Family>,
    native: Option<Arc<dyn Driver>>,
}

impl TorchDriver {
    /// The devices that a plugin drives natively.
    pub fn beside(native: Arc<dyn Driver>) -> Self {
        let (name, preference) = (native.name(), native.preference());
        let family = Family::ALL.into_iter().find(|family| family.name() == name);
        Self { name, preference, family, native: Some(native) }
    }

    /// libtorch's device of an ordinal, as its own plugin describes it where it finds it.
    fn describe(&self, family: Family, ordinal: usize, known: &[Device]) -> Device {
        let known = known.iter().find(|known| known.ordinal == ordinal && !known.emulated);
        let label = format!("{}:{ordinal}", self.name);
        // What the CPU's own plugin calls its architecture tells of kernels of its own.
        let arch = known.filter(|_| family != Family::Cpu).map(|known| known.arch.clone());
        Device {
            backend: self.name,
            ordinal,
            id: known.map_or_else(|| label.clone(), |known| known.id.clone()),
            name: known.map_or(label, |known| known.name.clone()),
            arch: arch.unwrap_or_else(|| std::env::consts::ARCH.into()),
            memory: known.and_then(|known| known.memory),
            emulated: false,
            versions: vec![
                ("tintype".into(), env!("CARGO_PKG_VERSION").into()),
                ("libtorch".into(), version()),
            ],
            capabilities: Capabilities {
                dtypes: vec![DType::F32, DType::Bf16, DType::F16],
                launch: vec![LaunchMode::Eager],
            },
        }
    }
}

impl Driver for TorchDriver {
    fn name(&self) -> &'static str {
        self.name
    }

    fn preference(&self) -> u32 {
        self.preference
    }

    fn probe(&self) -> Probe {
        let Some(family) = self.family else {
            let obstacle = Obstacle {
                kind: ObstacleKind::Unsupported,
                reason: format!("libtorch does not drive devices of {}", self.name),
                remedy: "Choose --engine native".into(),
            };
            return Probe { devices: Vec::new(), obstacle: Some(obstacle) };
        };
        match family.count() {
            Err(obstacle) => Probe { devices: Vec::new(), obstacle: Some(obstacle) },
            Ok(count) => {
                let known = self.native.as_ref().map(|native| native.probe().devices).unwrap_or_default();
                let devices = (0..count).map(|ordinal| self.describe(family, ordinal, &known)).collect();
                Probe { devices, obstacle: None }
            }
        }
    }

    fn open(&self, ordinal: usize, options: &OpenOptions) -> Result<Arc<dyn Accelerator>> {
        let unavailable = |reason: String, remedy: String| Error::Unavailable {
            backend: format!("{} (engine torch)", self.name),
            reason,
            remedy,
        };
        let Probe { devices, obstacle } = self.probe();
        let known: Vec<_> = devices.iter().map(Device::label).collect();
        let Some((device, family)) = devices.into_iter().nth(ordinal).zip(self.family) else {
            return Err(match obstacle {
                Some(Obstacle { reason, remedy, .. }) => unavailable(reason, remedy),
                None => Error::NoSuchDevice {
                    backend: self.name.into(),
                    device: ordinal.to_string(),
                    known: known.join(", "),
                },
            });
        };
        if let Some(threads) = options.threads {
            let threads = i32::try_from(threads.max(1)).ok().filter(|&n| n as usize <= MOST_THREADS);
            let threads = threads.ok_or_else(|| {
                unavailable(
                    "no machine has use for so many threads".into(),
                    format!("Give --threads from 1 to {MOST_THREADS}"),
                )
            })?;
            tch::set_num_threads(threads);
        }
        let is_gpu = matches!(family, Family::Cuda | Family::Rocm);
        let tf32 = options.tf32 && is_gpu;
        if tf32 && std::env::var(TF32).as_deref() != Ok("1") {
            return Err(unavailable(
                format!("libtorch takes tf32 for products only where its own variable {TF32} says so"),
                format!("Set {TF32}=1 beside --tf32"),
            ));
        }
        Ok(Arc::new(TorchAccelerator { context: Context::new(device, family, tf32)? }))
    }
}
