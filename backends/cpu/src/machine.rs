//! What the machine is.

use crate::level::Level;
use std::fs;
use tintype_accel::{Capabilities, Device, LaunchMode};
use tintype_program::DType;

/// The plugin's name.
pub(crate) const NAME: &str = "cpu";

/// The machine's processors, as the one device that they are.
pub(crate) fn device(level: Level) -> Device {
    Device {
        backend: NAME,
        ordinal: 0,
        id: format!("{NAME}:0"),
        name: name(),
        arch: arch(level),
        memory: memory("MemTotal"),
        emulated: false,
        versions: vec![
            ("tintype".into(), env!("CARGO_PKG_VERSION").into()),
            ("kernels".into(), level.name().into()),
        ],
        capabilities: Capabilities {
            dtypes: vec![DType::F32, DType::Bf16, DType::F16],
            // Compiled first: graph saves the host some microseconds a launch, and keeps every buffer alive that it captured.
            launch: vec![LaunchMode::Compiled, LaunchMode::Graph, LaunchMode::Eager],
        },
    }
}

/// Bytes that could be allocated now, swap included, where the system tells.
pub(crate) fn free_memory() -> Option<u64> {
    Some(memory("MemAvailable")?.saturating_add(memory("SwapFree").unwrap_or(0)))
}

/// The brand, where the system tells.
fn name() -> String {
    let cpus = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let field = |key: &str| {
        let mut fields = cpus.lines().filter_map(|line| line.split_once(':'));
        let value = fields.find(|(name, _)| name.trim() == key).map(|(_, value)| value.trim().to_string());
        value.filter(|value| !value.is_empty())
    };
    let brand = field("model name").or_else(|| field("Model"));
    brand.unwrap_or_else(|| format!("{} processor", std::env::consts::ARCH))
}

/// A line of `/proc/meminfo`, in bytes.
fn memory(key: &str) -> Option<u64> {
    let text = fs::read_to_string("/proc/meminfo").ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(':'))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kibibytes.checked_mul(1024)
}

/// The architecture, its extensions for vectors and half precision, and which level of them kernels use.
fn arch(level: Level) -> String {
    let mut words = vec![std::env::consts::ARCH];
    words.extend(extensions());
    format!("{}, kernels for {level}", words.join(" "))
}

#[cfg(target_arch = "x86_64")]
fn extensions() -> Vec<&'static str> {
    let found = [
        ("avx2", is_x86_feature_detected!("avx2")),
        ("fma", is_x86_feature_detected!("fma")),
        ("f16c", is_x86_feature_detected!("f16c")),
        ("avx512f", is_x86_feature_detected!("avx512f")),
        ("avx512bf16", is_x86_feature_detected!("avx512bf16")),
        ("avx512fp16", is_x86_feature_detected!("avx512fp16")),
    ];
    found.into_iter().filter(|(_, found)| *found).map(|(name, _)| name).collect()
}

#[cfg(target_arch = "aarch64")]
fn extensions() -> Vec<&'static str> {
    let found = [
        ("neon", std::arch::is_aarch64_feature_detected!("neon")),
        ("fp16", std::arch::is_aarch64_feature_detected!("fp16")),
        ("bf16", std::arch::is_aarch64_feature_detected!("bf16")),
        ("sve", std::arch::is_aarch64_feature_detected!("sve")),
    ];
    found.into_iter().filter(|(_, found)| *found).map(|(name, _)| name).collect()
}

#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
fn extensions() -> Vec<&'static str> {
    Vec::new()
}
