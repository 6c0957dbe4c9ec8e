//! The devices there are, or why there is none.

use crate::driver::{self, Facts, Loaded, Mode, advice, dotted};
use crate::libraries::{self, Library};
use std::env;
use std::fs::{self, File};
use std::io::ErrorKind;
use std::path::PathBuf;
use tintype_accel::{Device, Obstacle, ObstacleKind, Probe};
use tintype_gpu::driver::{Api, Status, capabilities, describe as explain, emulated, probed};

/// The plugin's name.
pub(crate) const BACKEND: &str = "cuda";
/// The oldest architecture, Ampere: compute capability times ten. Kernels use its bf16 and asynchronous copies.
const OLDEST: u32 = 80;

/// The CUDA devices that can be used, and why one cannot. Nothing is allocated on any.
pub fn probe() -> Probe {
    let start = || {
        let loaded = driver::api().map_err(Obstacle::clone)?;
        Ok((loaded, initialise(loaded)?))
    };
    probed(start, |loaded, ordinal| {
        let facts = driver::facts(&loaded.own, ordinal).map_err(|status| refusal(&loaded.api, status))?;
        usable(loaded, &facts)?;
        Ok(describe(loaded, &facts))
    })
}

/// Starts the driver and counts its devices, of which there is one at least.
pub(crate) fn initialise(loaded: &Loaded) -> Result<usize, Obstacle> {
    let (api, own) = (&loaded.api, &loaded.own);
    // SAFETY: it may be called any number of times, from any thread.
    unsafe { own.cuInit(0) }.map_err(|status| refusal(api, status))?;
    let mut count = 0;
    // SAFETY: the number may be written.
    unsafe { own.cuDeviceGetCount(&mut count) }.map_err(|status| refusal(api, status))?;
    match usize::try_from(count) {
        Ok(count) if count > 0 => Ok(count),
        _ => Err(no_device("the driver knows no device".into())),
    }
}

/// Whether a device can be used now.
pub(crate) fn usable(loaded: &Loaded, facts: &Facts) -> Result<(), Obstacle> {
    let who = format!("{} ({BACKEND}:{})", facts.name, facts.ordinal);
    if facts.capability < OLDEST {
        return Err(Obstacle {
            kind: ObstacleKind::Unsupported,
            reason: format!(
                "{who} has compute capability {}, and {} is needed",
                tenths(facts.capability),
                tenths(OLDEST)
            ),
            remedy: "Use a device of the Ampere generation or later (A100, RTX 30, H100, ...)".into(),
        });
    }
    let busy = |reason: String| Obstacle {
        kind: ObstacleKind::Busy,
        reason,
        remedy: format!(
            "Let processes share it with `nvidia-smi -i {} -c DEFAULT`, or end the process that holds it",
            facts.ordinal
        ),
    };
    match facts.mode {
        Mode::Shared => Ok(()),
        Mode::Prohibited => Err(busy(format!("{who} is in compute mode `prohibited`"))),
        Mode::Exclusive => available(loaded, facts).map_err(|status| match status.code {
            // CUDA_ERROR_DEVICE_UNAVAILABLE, and CUDA_ERROR_INVALID_DEVICE, as older drivers say it.
            46 | 101 => busy(format!("{who} is in an exclusive compute mode, and another process has it")),
            _ => refusal(&loaded.api, status),
        }),
    }
}

/// Whether this process can have a device of which one process can.
fn available(loaded: &Loaded, facts: &Facts) -> Result<(), Status> {
    let mut context = std::ptr::null_mut();
    // SAFETY: the handle may be written.
    unsafe { loaded.own.cuDevicePrimaryCtxRetain(&mut context, facts.device) }?;
    // SAFETY: retained just now.
    unsafe { loaded.own.cuDevicePrimaryCtxRelease_v2(facts.device) }
}

/// A device as data.
pub(crate) fn describe(loaded: &Loaded, facts: &Facts) -> Device {
    let emulated = emulated(loaded.library.library);
    let driver = match fs::read_to_string("/proc/driver/nvidia/version") {
        Ok(text) if !emulated => release(&text).map(|release| format!("{release}, ")),
        _ => None,
    };
    let path = loaded.library.path.display();
    let mut versions = vec![(
        "driver".to_owned(),
        format!("{}CUDA {} ({path})", driver.unwrap_or_default(), dotted(loaded.version)),
    )];
    for library in [Library::CublasLt, Library::Cudnn, Library::Nvrtc] {
        let version = match libraries::find(library) {
            Ok(found) => {
                format!(
                    "{} ({})",
                    found.version.as_deref().unwrap_or("of an unknown version"),
                    found.path.display()
                )
            }
            Err(_) => format!("not found. {}", library.remedy()),
        };
        versions.push((library.title().to_owned(), version));
    }
    Device {
        backend: BACKEND,
        ordinal: facts.ordinal,
        id: facts.id.clone(),
        name: facts.name.clone(),
        arch: format!("sm_{}", facts.capability),
        memory: Some(facts.memory),
        emulated,
        versions,
        capabilities: capabilities(),
    }
}

/// Why the driver refuses.
fn refusal(api: &Api, status: Status) -> Obstacle {
    let reason = explain(api, status, advice(status.code));
    let obstacle = |kind, remedy: &str| Obstacle { kind, reason: reason.clone(), remedy: remedy.into() };
    match status.code {
        // A device file that may not be opened is to the driver one that is not there.
        100 => no_device(reason),
        304 | 800 | 999 => forbidden(reason.clone()).unwrap_or_else(|| {
            obstacle(
                ObstacleKind::NoDevice,
                "See the kernel's log for what happened to the device: `dmesg | grep -i nvrm`",
            )
        }),
        34 => obstacle(
            ObstacleKind::LibraryNotFound,
            "This libcuda.so.1 is the toolkit's stub: take it off LD_LIBRARY_PATH, and install the driver",
        ),
        803 | 804 => obstacle(
            ObstacleKind::DriverTooOld,
            "The driver's library does not fit its kernel module: restart the machine, or take the toolkit's `compat` folder \
             off LD_LIBRARY_PATH",
        ),
        46 | 805..=810 => obstacle(ObstacleKind::Busy, "End the process that holds the device"),
        _ => obstacle(ObstacleKind::NoDevice, "See `nvidia-smi` for the state of the device"),
    }
}

/// No device, and the likeliest reason.
fn no_device(reason: String) -> Obstacle {
    if let Some(obstacle) = forbidden(reason.clone()) {
        return obstacle;
    }
    let (reason, remedy) = match env::var("CUDA_VISIBLE_DEVICES") {
        Ok(shown) => (
            format!("{reason}; CUDA_VISIBLE_DEVICES is `{shown}`"),
            "Unset CUDA_VISIBLE_DEVICES, or name a device that `nvidia-smi -L` lists",
        ),
        Err(_) => {
            (reason, "See `nvidia-smi -L` for the devices; in a container, start it with them (`--gpus all`)")
        }
    };
    Obstacle { kind: ObstacleKind::NoDevice, reason, remedy: remedy.into() }
}

/// Whether there are device files that this user may not open.
fn forbidden(reason: String) -> Option<Obstacle> {
    let files: Vec<PathBuf> =
        fs::read_dir("/dev").ok()?.filter_map(|entry| Some(entry.ok()?.path())).collect();
    let file = files.into_iter().find(|path| {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let device =
            name.strip_prefix("nvidia").is_some_and(|rest| rest == "ctl" || rest.parse::<u32>().is_ok());
        let open = || File::options().read(true).write(true).open(path);
        device && open().is_err_and(|error| error.kind() == ErrorKind::PermissionDenied)
    })?;
    Some(Obstacle {
        kind: ObstacleKind::NoPermission,
        reason: format!("{reason}; {} may not be opened by this user", file.display()),
        remedy: "Add the user to the group that owns the file (often `video` or `render`), or ask who runs the machine".into(),
    })
}

/// `580.82.07` of what the kernel module says of itself.
fn release(text: &str) -> Option<String> {
    let word = |word: &&str| word.contains('.') && word.split('.').all(|part| part.parse::<u32>().is_ok());
    text.lines().next()?.split_whitespace().find(word).map(str::to_owned)
}

fn tenths(capability: u32) -> String {
    format!("{}.{}", capability / 10, capability % 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_machine_without_a_driver_is_told_what_to_do() {
        let found = probe();
        match found.obstacle {
            Some(obstacle) => {
                assert!(!obstacle.reason.is_empty() && !obstacle.remedy.is_empty());
                println!("{}. {}", obstacle.reason, obstacle.remedy);
            }
            None => assert!(!found.devices.is_empty()),
        }
    }

    #[test]
    fn the_release_is_read_from_either_wording_of_the_kernel_module() {
        let open = "NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  580.82.07  Release Build";
        let closed =
            "NVRM version: NVIDIA UNIX x86_64 Kernel Module  535.161.08  Tue Feb 27 04:03:52 UTC 2024";
        assert_eq!(release(open).as_deref(), Some("580.82.07"));
        assert_eq!(release(closed).as_deref(), Some("535.161.08"));
    }
}
