//! What stands between this process and a device.

use crate::fault::Fault;
use crate::runtime::Refusal;
use crate::sys::{Missing, Status};
use std::env;
use tintype_accel::{Obstacle, ObstacleKind};

/// Variables that name the module that this process may use, or several of which the first is taken.
pub(crate) const MODULES: [&str; 2] = ["HLS_MODULE_ID", "HABANA_VISIBLE_MODULES"];

/// The module that the environment names.
pub(crate) fn module() -> std::result::Result<Option<u32>, Obstacle> {
    for name in MODULES {
        let Some(text) = env::var_os(name).filter(|text| !text.is_empty()) else { continue };
        let text = text.to_string_lossy().into_owned();
        let first = text.split(',').next().unwrap_or_default().trim();
        if first == "all" {
            continue;
        }
        return first.parse().map(Some).map_err(|_| Obstacle {
            kind: ObstacleKind::NoDevice,
            reason: format!("{name} is `{text}`, which names no module"),
            remedy: format!("Set {name} to a module's number, or unset it"),
        });
    }
    Ok(None)
}

/// What stands in the way where a call failed.
pub(crate) fn obstacle(fault: &Fault) -> Obstacle {
    let (kind, remedy) = match fault.status {
        Status::NO_DEVICE_FOUND | Status::DEVICE_TYPE_MISMATCH => (
            ObstacleKind::NoDevice,
            "Check `hl-smi`, and that the process or container sees /dev/accel and the module it asks for",
        ),
        Status::DEVICE_ALREADY_ACQUIRED | Status::BUSY | Status::ALL_RESOURCES_TAKEN => (
            ObstacleKind::Busy,
            "Another process holds the device: end it, or name a free module with HABANA_VISIBLE_MODULES",
        ),
        Status::UNINITIALIZED => (ObstacleKind::NoDevice, "Check `hl-smi` and the driver's log"),
        _ => (ObstacleKind::NoDevice, "Check `hl-smi`, and the logs that HABANA_LOGS names"),
    };
    let obstacle = Obstacle { kind, reason: fault.to_string(), remedy: remedy.into() };
    forbidden().filter(|_| fault.status != Status::BUSY).unwrap_or(obstacle)
}

/// A device file that is there and that this user may not open.
pub(crate) fn forbidden() -> Option<Obstacle> {
    let files = std::fs::read_dir("/dev/accel").ok()?;
    let denied = files.flatten().find_map(|file| {
        let opened = std::fs::File::options().read(true).write(true).open(file.path());
        let denied = |error: &std::io::Error| error.kind() == std::io::ErrorKind::PermissionDenied;
        opened.err().filter(denied).map(|error| format!("{}: {error}", file.path().display()))
    })?;
    Some(Obstacle {
        kind: ObstacleKind::NoPermission,
        reason: denied,
        remedy: "Add this user to the device files' group, or run with their permission".into(),
    })
}

/// What stands in the way where there is no runtime.
pub(crate) fn refused(refusal: Refusal) -> Obstacle {
    match refusal {
        Refusal::Library(Missing::NotFound(reason)) => Obstacle {
            kind: ObstacleKind::LibraryNotFound,
            reason,
            remedy: "Install the Intel Gaudi software 1.16 or later, or name its libSynapse.so with TINTYPE_SYNAPSE"
                .into(),
        },
        Refusal::Library(Missing::TooOld(reason)) => Obstacle {
            kind: ObstacleKind::DriverTooOld,
            reason,
            remedy: "Install the Intel Gaudi software 1.16 or later".into(),
        },
        Refusal::Fault(fault) => obstacle(&fault),
    }
}
