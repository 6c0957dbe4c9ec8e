//! What a device is and what it can do, as data.

use crate::LaunchMode;
use serde::Serialize;
use tintype_program::DType;

/// A device that a plugin can open.
#[derive(Clone, Debug, Serialize)]
pub struct Device {
    /// The plugin's name.
    pub backend: &'static str,
    /// The plugin's number for it, from 0.
    pub ordinal: usize,
    /// A name that stays with the device: a UUID or bus address where there is one, else `backend:ordinal`.
    pub id: String,
    /// The product's name.
    pub name: String,
    /// The architecture that code is made for.
    pub arch: String,
    /// Memory in bytes, where it is known.
    pub memory: Option<u64>,
    /// Whether a software double stands behind the vendor's interface. Shown wherever results are shown.
    pub emulated: bool,
    /// Versions of driver and libraries, name and version.
    pub versions: Vec<(String, String)>,
    /// What it can do.
    pub capabilities: Capabilities,
}

impl Device {
    /// `backend:ordinal`, as the command line and messages name it.
    pub fn label(&self) -> String {
        format!("{}:{}", self.backend, self.ordinal)
    }
}

/// What a device can do.
#[derive(Clone, Debug, Serialize)]
pub struct Capabilities {
    /// The dtypes that arithmetic runs in.
    pub dtypes: Vec<DType>,
    /// The launch modes; the first is the default.
    pub launch: Vec<LaunchMode>,
}

/// What a plugin found when it looked for devices.
#[derive(Clone, Debug, Serialize)]
pub struct Probe {
    /// The devices, by ordinal.
    pub devices: Vec<Device>,
    /// Why there is none, or why one is missing.
    pub obstacle: Option<Obstacle>,
}

/// What stands between a plugin and its device.
#[derive(Clone, Debug, Serialize)]
pub struct Obstacle {
    /// The kind.
    pub kind: ObstacleKind,
    /// What was looked for, where, and what was found.
    pub reason: String,
    /// What to do about it.
    pub remedy: String,
}

/// Kinds of obstacle, told apart because their remedies differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ObstacleKind {
    /// A vendor library is not installed or not found.
    LibraryNotFound,
    /// The driver or a library is too old.
    DriverTooOld,
    /// The libraries are there, a device is not.
    NoDevice,
    /// The device may not be opened by this user.
    NoPermission,
    /// Another process holds the device.
    Busy,
    /// The device is there and is not one that the plugin runs on.
    Unsupported,
}
