//! The devices there are, or why there is none.

use crate::architecture::{architecture, base};
use crate::driver::{self, Facts, Loaded, advice, dotted};
use crate::libraries::{self, Library, REMEDY};
use std::env;
use std::fs::File;
use std::io::ErrorKind;
use std::path::Path;
use tintype_accel::{Device, Obstacle, ObstacleKind, Probe};
use tintype_gpu::driver::{Status, capabilities, describe as explain, emulated, probed};

/// The plugin's name.
pub(crate) const BACKEND: &str = "rocm";
/// The variable by which a device pretends to be of another architecture.
const OVERRIDE: &str = "HSA_OVERRIDE_GFX_VERSION";
/// The device file of AMD's compute driver.
const KFD: &str = "/dev/kfd";

/// The ROCm devices that can be used, and why one cannot. Nothing is allocated on any.
pub fn probe() -> Probe {
    let start = || {
        let loaded = driver::api().map_err(Obstacle::clone)?;
        Ok((loaded, initialise(loaded)?))
    };
    probed(start, |loaded, ordinal| {
        let facts = driver::facts(&loaded.own, ordinal).map_err(|status| refusal(loaded, status))?;
        usable(&facts)?;
        Ok(describe(loaded, &facts))
    })
}

/// Starts HIP and counts its devices, of which there is one at least.
pub(crate) fn initialise(loaded: &Loaded) -> Result<usize, Obstacle> {
    // SAFETY: it may be called any number of times, from any thread.
    unsafe { loaded.own.hipInit(0) }.map_err(|status| refusal(loaded, status))?;
    let mut count = 0;
    // SAFETY: the number may be written.
    unsafe { loaded.own.hipGetDeviceCount(&mut count) }.map_err(|status| refusal(loaded, status))?;
    match usize::try_from(count) {
        Ok(count) if count > 0 => Ok(count),
        _ => Err(no_device("HIP knows no device".into(), kfd(Path::new(KFD)))),
    }
}

/// Whether kernels are made for a device.
pub(crate) fn usable(facts: &Facts) -> Result<(), Obstacle> {
    let Facts { name, ordinal, gcn, .. } = facts;
    let unsupported = |reason, remedy: &str| {
        Err(Obstacle { kind: ObstacleKind::Unsupported, reason, remedy: remedy.into() })
    };
    match architecture(gcn, facts.compute_units) {
        None => unsupported(
            format!(
                "{name} ({BACKEND}:{ordinal}) is a {}, which kernels are not made for{}",
                base(gcn),
                overridden()
            ),
            "Use a device of CDNA 2 or later or of RDNA 2 or later (MI200, MI300, RX 6000, RX 7000, RX 9000, ...)",
        ),
        Some(known) if known.warp != facts.wave => unsupported(
            format!(
                "{name} ({BACKEND}:{ordinal}) is a {} with waves of {}, and kernels are made for waves of {}{}",
                base(gcn),
                facts.wave,
                known.warp,
                overridden()
            ),
            "Please report it with the output of `rocminfo`",
        ),
        Some(_) => Ok(()),
    }
}

/// A device as data.
pub(crate) fn describe(loaded: &Loaded, facts: &Facts) -> Device {
    let emulated = emulated(loaded.opened.library);
    let mut versions =
        vec![("HIP".to_owned(), format!("{} ({})", dotted(loaded.version), loaded.opened.path.display()))];
    let hiprtc = match (libraries::hiprtc(), libraries::find(Library::Hiprtc)) {
        (Ok(rtc), Ok(found)) => format!("{} ({})", rtc.version, found.path.display()),
        (Err((reason, remedy)), _) => format!("{reason}. {remedy}"),
        (_, Err(missing)) => format!("{missing}. {REMEDY}"),
    };
    versions.push((Library::Hiprtc.title().to_owned(), hiprtc));
    let products = match libraries::find(Library::HipblasLt) {
        Ok(found) => found.path.display().to_string(),
        Err(_) => format!("not found, so that products are by kernels of our own. {REMEDY}"),
    };
    versions.push((Library::HipblasLt.title().to_owned(), products));
    if let Ok(value) = env::var(OVERRIDE) {
        versions.push((OVERRIDE.to_owned(), format!("{value}, set in the environment")));
    }
    Device {
        backend: BACKEND,
        ordinal: facts.ordinal,
        id: facts.id.clone(),
        name: facts.name.clone(),
        arch: base(&facts.gcn).to_owned(),
        memory: Some(facts.memory),
        emulated,
        versions,
        capabilities: capabilities(),
    }
}

/// Why HIP refuses.
fn refusal(loaded: &Loaded, status: Status) -> Obstacle {
    let reason = explain(&loaded.api, status, advice(status.code));
    match status.code {
        // `hipErrorNoDevice` and `hipErrorInvalidDevice`: which of them it is without a device depends on the call.
        100 | 101 => no_device(reason, kfd(Path::new(KFD))),
        _ => Obstacle {
            kind: ObstacleKind::NoDevice,
            reason,
            remedy: "See `rocminfo` and `dmesg | grep -i amdgpu` for the state of the device".into(),
        },
    }
}

/// What can be said of a device file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum DeviceFile {
    Missing,
    Forbidden,
    There,
}

fn kfd(path: &Path) -> DeviceFile {
    match File::options().read(true).write(true).open(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => DeviceFile::Missing,
        Err(error) if error.kind() == ErrorKind::PermissionDenied => DeviceFile::Forbidden,
        // Whatever else is wrong with it, HIP has said it.
        _ => DeviceFile::There,
    }
}

/// No device, and the likeliest reason.
fn no_device(reason: String, kfd: DeviceFile) -> Obstacle {
    let obstacle = |kind, what: &str, remedy: &str| Obstacle {
        kind,
        reason: format!("{reason}; {what}{}", overridden()),
        remedy: remedy.into(),
    };
    match kfd {
        DeviceFile::Missing => obstacle(
            ObstacleKind::NoDevice,
            "there is no /dev/kfd",
            "Load the driver (`modprobe amdgpu`); in a container, start it with `--device=/dev/kfd --device=/dev/dri`",
        ),
        DeviceFile::Forbidden => obstacle(
            ObstacleKind::NoPermission,
            "/dev/kfd may not be opened by this user",
            "Add the user to the groups `render` and `video` (`usermod -aG render,video USER`) and log in anew; in a container, \
             start it with `--group-add render --group-add video`",
        ),
        DeviceFile::There => {
            let shown = ["HIP_VISIBLE_DEVICES", "ROCR_VISIBLE_DEVICES"]
                .into_iter()
                .find_map(|name| Some(format!("{name} is `{}`", env::var(name).ok()?)));
            match shown {
                Some(shown) => obstacle(
                    ObstacleKind::NoDevice,
                    &shown,
                    "Unset it, or name a device that `rocminfo` lists",
                ),
                None => obstacle(
                    ObstacleKind::NoDevice,
                    "/dev/kfd is there",
                    "See `rocminfo` for the devices; a driver too old for this ROCm shows none",
                ),
            }
        }
    }
}

/// What is to be said where a device pretends to be another.
fn overridden() -> String {
    env::var(OVERRIDE).map_or_else(|_| String::new(), |value| format!(" ({OVERRIDE} is `{value}`)"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_machine_without_rocm_is_told_what_to_do() {
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
    fn a_missing_driver_a_forbidden_one_and_one_without_devices_are_told_apart() {
        let told = |kfd| {
            let Obstacle { kind, reason, remedy } = no_device("HIP knows no device".into(), kfd);
            (kind, format!("{reason}. {remedy}"))
        };
        let (kind, text) = told(DeviceFile::Missing);
        assert!(
            kind == ObstacleKind::NoDevice
                && text.contains("there is no /dev/kfd")
                && text.contains("amdgpu")
        );
        let (kind, text) = told(DeviceFile::Forbidden);
        assert!(kind == ObstacleKind::NoPermission && text.contains("`render` and `video`"), "{text}");
        let (kind, text) = told(DeviceFile::There);
        assert!(kind == ObstacleKind::NoDevice && text.contains("rocminfo"), "{text}");
    }

    #[test]
    fn a_device_file_is_missing_or_there() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("kfd");
        assert_eq!(kfd(&path), DeviceFile::Missing);
        std::fs::write(&path, "").unwrap();
        assert_eq!(kfd(&path), DeviceFile::There);
    }

    #[test]
    fn an_architecture_without_kernels_is_named() {
        let facts = Facts {
            ordinal: 0,
            name: "Radeon RX 580".into(),
            id: String::new(),
            memory: 0,
            gcn: "gfx803".into(),
            compute_units: 36,
            wave: 64,
            pools: false,
        };
        let obstacle = usable(&facts).unwrap_err();
        assert_eq!(obstacle.kind, ObstacleKind::Unsupported);
        assert!(
            obstacle.reason.contains("gfx803") && obstacle.remedy.contains("RDNA 2"),
            "{}",
            obstacle.reason
        );
        assert!(usable(&Facts { gcn: "gfx90a:sramecc+:xnack-".into(), ..facts.clone() }).is_ok());
        let narrow = usable(&Facts { gcn: "gfx90a".into(), wave: 32, ..facts }).unwrap_err();
        assert!(narrow.reason.contains("waves of 32"), "{}", narrow.reason);
    }
}
