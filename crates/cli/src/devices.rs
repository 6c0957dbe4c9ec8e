//! `tintype devices`.

use crate::args::DevicesArgs;
use crate::say;
use anyhow::Result;
use serde_json::json;
use std::process::ExitCode;
use tintype::accel::{Device, Probe};

pub(crate) fn run(args: &DevicesArgs) -> Result<ExitCode> {
    let found = tintype::backends().probe();
    if args.json {
        let list: Vec<_> =
            found.iter().map(|(name, probe)| json!({ "backend": name, "probe": probe })).collect();
        say::line(serde_json::to_string_pretty(&list)?);
        return Ok(ExitCode::SUCCESS);
    }
    for (name, probe) in &found {
        show(name, probe);
    }
    Ok(ExitCode::SUCCESS)
}

fn show(name: &str, probe: &Probe) {
    for device in &probe.devices {
        say::line(format!(
            "{}  {}{}",
            device.label(),
            device.name,
            if device.emulated { "  (emulated)" } else { "" }
        ));
        if device.id != device.label() {
            say::line(format!("    id            {}", device.id));
        }
        say::line(format!("    architecture  {}", device.arch));
        if let Some(bytes) = device.memory {
            say::line(format!("    memory        {:.1} GiB", bytes as f64 / f64::from(1 << 30)));
        }
        say::line(format!(
            "    dtypes        {}",
            list(device, |d| d.capabilities.dtypes.iter().map(|t| t.name()).collect())
        ));
        say::line(format!(
            "    launch modes  {}",
            list(device, |d| d.capabilities.launch.iter().map(|m| m.name()).collect())
        ));
        for (what, version) in &device.versions {
            say::line(format!("    {what:13} {version}"));
        }
    }
    if let Some(obstacle) = &probe.obstacle {
        say::line(format!("{name}  not available: {}", obstacle.reason));
        say::line(format!("    {}", obstacle.remedy));
    }
}

fn list<'d>(device: &'d Device, names: impl Fn(&'d Device) -> Vec<&'static str>) -> String {
    names(device).join(", ")
}
