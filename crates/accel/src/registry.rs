//! The plugins of a build, and the choice of one.

use crate::{Accelerator, Bare, Device, Driver, Error, OpenOptions, Probe, Result};
use std::fmt;
use std::sync::Arc;

/// The plugins that a program was built with, by name.
#[derive(Clone, Default)]
pub struct Registry {
    drivers: Vec<Arc<dyn Driver>>,
}

/// A device that was opened, and why it and no other.
pub struct Opened {
    /// The device.
    pub accelerator: Arc<dyn Accelerator>,
    /// How it was chosen.
    pub choice: Choice,
}

/// Why a device was chosen, and why each other was not.
#[derive(Clone, Debug)]
pub struct Choice {
    /// The device.
    pub chosen: Device,
    /// Whether it was named rather than found.
    pub named: bool,
    /// The other plugins, each with the reason.
    pub passed_over: Vec<(String, String)>,
}

/// Why a plugin was passed over that has a device.
const LESS_PREFERRED: &str = "available, less preferred";

impl fmt::Display for Choice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Device { name, .. } = &self.chosen;
        let emulated = if self.chosen.emulated { ", emulated" } else { "" };
        write!(f, "{} ({name}{emulated})", self.chosen.label())?;
        if !self.named {
            // Why in full takes lines; `passed_over` has it, and so has a probe.
            let (spare, missing): (Vec<_>, Vec<_>) =
                self.passed_over.iter().partition(|(_, why)| why == LESS_PREFERRED);
            let names = |list: Vec<&(String, String)>| {
                list.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>().join(", ")
            };
            let mut others = Vec::new();
            if !spare.is_empty() {
                others.push(format!("before {}", names(spare)));
            }
            if !missing.is_empty() {
                others.push(format!("no device for {}: `tintype devices` says why", names(missing)));
            }
            if others.is_empty() {
                others.push("the only backend of this build".into());
            }
            let others = others.join("; ");
            write!(f, ", chosen by auto ({others})")?;
        }
        Ok(())
    }
}

impl Registry {
    /// No plugins.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a plugin. One of a name that is there already takes its place.
    pub fn register(&mut self, driver: Arc<dyn Driver>) -> &mut Self {
        self.drivers.retain(|known| known.name() != driver.name());
        self.drivers.push(driver);
        self
    }

    /// The plugins' names.
    pub fn names(&self) -> Vec<&'static str> {
        self.drivers.iter().map(|driver| driver.name()).collect()
    }

    /// Every plugin and what it finds.
    pub fn probe(&self) -> Vec<(&'static str, Probe)> {
        self.drivers.iter().map(|driver| (driver.name(), driver.probe())).collect()
    }

    /// What the vendor's own parts take, without opening a device or looking for one first: [`Driver::bare`] of a plugin by
    /// its name and a device by its number, or `backend:number`.
    pub fn bare(&self, backend: &str, device: Option<&str>) -> Result<Option<Bare>> {
        let number = device.map_or("0", |device| device.rsplit(':').next().unwrap_or(device));
        let ordinal = number.parse().map_err(|_| Error::NoSuchDevice {
            backend: backend.into(),
            device: number.into(),
            known: "devices by number, from 0: no other is looked for here".into(),
        })?;
        self.driver(backend)?.bare(ordinal)
    }

    /// Opens a device. `backend` is a plugin's name or `auto`; `device` is an ordinal, `backend:ordinal`, an id, or the
    /// start of an id where only one device's starts so.
    ///
    /// A named backend runs or fails: nothing else is tried in its place.
    pub fn open(&self, backend: &str, device: Option<&str>, options: &OpenOptions) -> Result<Opened> {
        let from_device = device.and_then(|device| device.split_once(':')).map(|(backend, _)| backend);
        let named = match (backend, from_device) {
            // An id may have a colon too: a bus address, which starts with digits.
            ("auto", Some(prefix)) if prefix.bytes().all(|byte| byte.is_ascii_alphabetic()) => Some(prefix),
            ("auto", _) => None,
            (name, _) => Some(name),
        };
        match named {
            Some(name) => self.open_named(name, device, options),
            None => self.open_best(device, options),
        }
    }

    fn driver(&self, name: &str) -> Result<&Arc<dyn Driver>> {
        self.drivers
            .iter()
            .find(|driver| driver.name() == name)
            .ok_or_else(|| Error::UnknownBackend { name: name.into(), known: list(self.names()) })
    }

    fn open_named(&self, name: &str, device: Option<&str>, options: &OpenOptions) -> Result<Opened> {
        let driver = self.driver(name)?;
        let probe = driver.probe();
        let chosen = pick(name, &probe, device)?;
        let accelerator = driver.open(chosen.ordinal, options)?;
        Ok(Opened { accelerator, choice: Choice { chosen, named: true, passed_over: Vec::new() } })
    }

    fn open_best(&self, device: Option<&str>, options: &OpenOptions) -> Result<Opened> {
        let mut ranked: Vec<_> = self.drivers.iter().collect();
        ranked.sort_by_key(|driver| std::cmp::Reverse(driver.preference()));
        let mut passed_over = Vec::new();
        let mut best: Option<(&Arc<dyn Driver>, Device)> = None;
        for driver in ranked {
            match (&best, pick(driver.name(), &driver.probe(), device)) {
                (None, Ok(chosen)) => best = Some((driver, chosen)),
                (Some(_), Ok(_)) => passed_over.push((driver.name().into(), LESS_PREFERRED.into())),
                (_, Err(error)) => passed_over.push((driver.name().into(), error.to_string())),
            }
        }
        let Some((driver, chosen)) = best else {
            let reasons: Vec<_> = passed_over.iter().map(|(name, why)| format!("{name}: {why}")).collect();
            return Err(Error::Unavailable {
                backend: "auto".into(),
                reason: format!("no backend has a device ({})", reasons.join("; ")),
                remedy: "Name one with --backend to see what it needs".into(),
            });
        };
        let accelerator = driver.open(chosen.ordinal, options)?;
        Ok(Opened { accelerator, choice: Choice { chosen, named: false, passed_over } })
    }
}

/// The device that `wanted` names, or the first.
fn pick(backend: &str, probe: &Probe, wanted: Option<&str>) -> Result<Device> {
    if let (true, Some(obstacle)) = (probe.devices.is_empty(), &probe.obstacle) {
        return Err(Error::Unavailable {
            backend: backend.into(),
            reason: obstacle.reason.clone(),
            remedy: obstacle.remedy.clone(),
        });
    }
    let found = match wanted {
        None => probe.devices.first(),
        Some(wanted) => named(&probe.devices, wanted),
    };
    found.cloned().ok_or_else(|| Error::NoSuchDevice {
        backend: backend.into(),
        device: wanted.unwrap_or("0").into(),
        known: list(probe.devices.iter().flat_map(|device| {
            let label = device.label();
            let id = (device.id != label).then(|| device.id.clone());
            [Some(label), id].into_iter().flatten()
        })),
    })
}

/// The device of this ordinal, label or id, or the only one whose id starts so. Ids are hexadecimal: case is no matter.
fn named<'d>(devices: &'d [Device], wanted: &str) -> Option<&'d Device> {
    /// Fewer characters than `GPU-` and four digits would name a device by accident.
    const SHORTEST: usize = 8;
    let exact = |device: &&Device| {
        device.id.eq_ignore_ascii_case(wanted)
            || device.label() == wanted
            || device.ordinal.to_string() == wanted
    };
    let start = |device: &&Device| {
        let start = device.id.get(..wanted.len());
        wanted.len() >= SHORTEST && start.is_some_and(|start| start.eq_ignore_ascii_case(wanted))
    };
    let mut started = devices.iter().filter(start);
    devices.iter().find(exact).or_else(|| started.next().filter(|_| started.next().is_none()))
}

fn list(names: impl IntoIterator<Item = impl ToString>) -> String {
    let names: Vec<_> = names.into_iter().map(|name| format!("`{}`", name.to_string())).collect();
    if names.is_empty() { "none".into() } else { names.join(", ") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Capabilities;

    fn device(ordinal: usize, id: &str) -> Device {
        Device {
            backend: "cuda",
            ordinal,
            id: id.into(),
            name: "a card".into(),
            arch: "sm_90".into(),
            memory: None,
            emulated: false,
            versions: Vec::new(),
            capabilities: Capabilities { dtypes: Vec::new(), launch: Vec::new() },
        }
    }

    #[test]
    fn a_device_is_named_by_ordinal_label_id_or_the_start_of_one_id() {
        let devices =
            [device(0, "GPU-00112233-4455"), device(1, "GPU-00112299-4455"), device(2, "0000:65:00.0")];
        let found = |wanted| named(&devices, wanted).map(|device| device.ordinal);
        assert_eq!([found("1"), found("cuda:2"), found("0000:65:00.0")], [Some(1), Some(2), Some(2)]);
        assert_eq!([found("gpu-00112299-4455"), found("GPU-0011229")], [Some(1), Some(1)]);
        assert_eq!([found("GPU-001122"), found("GPU-"), found("cuda:3"), found("")], [None; 4]);
    }

    #[test]
    fn a_device_that_is_not_there_is_told_with_those_that_are() {
        let probe = Probe { devices: vec![device(0, "GPU-00112233-4455")], obstacle: None };
        let error = pick("cuda", &probe, Some("GPU-77")).unwrap_err().to_string();
        assert!(error.contains("`cuda:0`, `GPU-00112233-4455`"), "{error}");
    }

    #[test]
    fn a_device_of_a_backend_that_is_not_built_in_is_told_so() {
        let opened = Registry::new().open("auto", Some("cuda:1"), &OpenOptions::default());
        assert!(matches!(opened.err(), Some(Error::UnknownBackend { .. })));
    }
}
