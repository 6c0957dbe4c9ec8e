//! Kernels compiled by clang for AMD's architectures, without ROCm and without a device, and what their code objects say.

mod code_object;
#[path = "../../../gpu/tests/collected/mod.rs"]
mod collected;

#[allow(unused_imports, reason = "no test uses all of it")]
pub use code_object::{Taken, kernels};
pub use collected::Kernels;
use std::env;
use std::fmt::Write;
use std::process::Command;
use std::sync::Mutex;
use std::time::Instant;
use tintype_gpu::{Architecture, KernelSource, prelude};

/// One of each generation that kernels are compiled for: CDNA 2 and 3, RDNA 2, 3 and 4.
pub const ALL: [&str; 5] = ["gfx942", "gfx90a", "gfx1030", "gfx1100", "gfx1201"];

/// A device of an architecture, as large as an MI300X or a Radeon.
pub fn device(name: &str) -> Architecture {
    let found = tintype_rocm::architecture(name, if name.starts_with("gfx9") { 304 } else { 96 });
    found.unwrap_or_else(|| panic!("{name} is not known"))
}

/// Kernels of a text: a compiler is started once for so many.
const TOGETHER: usize = 24;

/// The compiler, as Debian calls it.
const CLANG: &str = "clang-19";

/// Compiles all for an architecture, fails with whatever the compiler says of any, and holds what they take against what a
/// device has. What they took; none where there is no compiler, which is said, and is a failure where the environment promises
/// one.
pub fn compile(kernels: &Kernels, test: &str, name: &str) -> Option<Vec<Taken>> {
    let architecture = device(name);
    let (started, made) = (Instant::now(), Mutex::new(Vec::new()));
    let said = kernels.each(TOGETHER, |part| match together(part, &architecture) {
        Ok(taken) => {
            made.lock().unwrap().extend(taken);
            Vec::new()
        }
        Err(said) => vec![said],
    });
    if let Some(missing) = said.iter().find(|text| text.starts_with("NOT RUN")) {
        assert!(env::var_os("TINTYPE_EXPECT_CLANG").is_none(), "{test}: {missing}");
        println!("{test}: {missing}");
        return None;
    }
    assert!(said.is_empty(), "{name}: {}", said.join("\n"));
    let made = made.into_inner().unwrap();
    assert_eq!(made.len(), kernels.len(), "{name}: every kernel is in a code object");
    let most = |of: fn(&Taken) -> u64| made.iter().map(of).max().unwrap_or(0);
    println!(
        "{test}, {name}: {} kernels in {:.1?}; at most {} vector and {} scalar registers, {} bytes of LDS, {} of scratch",
        made.len(),
        started.elapsed(),
        most(|taken| taken.vgprs),
        most(|taken| taken.sgprs),
        most(|taken| taken.lds),
        most(|taken| taken.scratch)
    );
    for taken in &made {
        assert_eq!(taken.wave, u64::from(architecture.warp), "{name}: {taken:?}");
        assert!(taken.lds <= u64::from(architecture.shared), "{name}: {taken:?}");
        assert_eq!((taken.spills, taken.scratch), (0, 0), "{name}: registers are kept in memory: {taken:?}");
    }
    Some(made)
}

/// Several kernels as one text, each under a name of its own.
fn together(part: &[(KernelSource, &str)], architecture: &Architecture) -> Result<Vec<Taken>, String> {
    let mut text = format!("{}\n{}", include_str!("hiprtc.h"), prelude::text(architecture));
    for (number, (KernelSource { entry, code }, whose)) in part.iter().enumerate() {
        let _ = write!(text, "\n// {whose}\n#define {entry} {entry}_{number}\n{code}\n#undef {entry}\n");
    }
    let code = code(&text, &architecture.name)?;
    let made = kernels(&code)?;
    let named = |(number, (source, whose)): (usize, &(KernelSource, &str))| {
        let name = format!("{}_{number}", source.entry);
        let found = made.iter().find(|taken| taken.name == name);
        found
            .map(|taken| Taken { name: source.entry.clone(), ..taken.clone() })
            .ok_or_else(|| format!("`{}` of {whose} is not in its code object", source.entry))
    };
    part.iter().enumerate().map(named).collect()
}

/// The instructions of kernels of this name, as the compiler writes them. None where there is no compiler.
#[allow(dead_code, reason = "no test uses all of it")]
pub fn instructions(kernels: &Kernels, entry: &str, name: &str) -> Option<String> {
    let texts = std::sync::Mutex::new(String::new());
    let said = kernels.each(1, |part| {
        let [(source, _)] = part else { return Vec::new() };
        if source.entry != entry {
            return Vec::new();
        }
        let text = format!("{}\n{}{}", include_str!("hiprtc.h"), prelude::text(&device(name)), source.code);
        match made(&text, name, &["-S"]) {
            Ok(bytes) => texts.lock().unwrap().push_str(&String::from_utf8_lossy(&bytes)),
            Err(said) => return vec![said],
        }
        Vec::new()
    });
    if said.iter().any(|text| text.starts_with("NOT RUN")) {
        return None;
    }
    assert!(said.is_empty(), "{said:?}");
    Some(texts.into_inner().unwrap())
}

/// The code object of a text; what the compiler says where it says anything.
fn code(text: &str, name: &str) -> Result<Vec<u8>, String> {
    made(text, name, &[])
}

/// What the compiler makes of a text.
fn made(text: &str, name: &str, more: &[&str]) -> Result<Vec<u8>, String> {
    let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
    let (from, to) = (folder.path().join("kernels.hip"), folder.path().join("kernels.co"));
    std::fs::write(&from, text).map_err(|error| error.to_string())?;
    let output = Command::new(CLANG)
        .args(["-x", "hip", "--offload-device-only", "--no-gpu-bundle-output", "-nogpuinc", "-nogpulib"])
        .args(["-std=c++17", "-O3", "-Werror"])
        .args(more)
        .arg(format!("--offload-arch={name}"))
        .arg("-o")
        .args([&to, &from])
        .output()
        .map_err(|error| format!("NOT RUN, {CLANG}: {error}"))?;
    let said = String::from_utf8_lossy(&output.stderr);
    if !output.status.success() || !said.trim().is_empty() {
        if let Some(keep) = env::var_os("TINTYPE_KEEP_KERNELS") {
            let _ = std::fs::copy(&from, keep);
        }
        return Err(said.chars().take(4000).collect());
    }
    std::fs::read(&to).map_err(|error| error.to_string())
}
