//! Kernels compiled by NVRTC, without a device.

#[path = "../../../gpu/tests/collected/mod.rs"]
mod collected;

pub use collected::Kernels;
use std::env;
use std::time::Instant;
use tintype_accel::Error;
use tintype_cuda::warnings;
use tintype_gpu::Architecture;

/// Compiles all for an architecture, and fails with whatever the compiler says of any. Says so where there is no compiler,
/// which is a failure where the environment promises one.
pub fn compile(kernels: &Kernels, test: &str, name: &str) {
    let capability = name.trim_matches(|letter: char| !letter.is_ascii_digit()).parse().unwrap();
    let architecture = Architecture { name: name.into(), capability, ..Architecture::hopper() };
    let started = Instant::now();
    let said = kernels.each(1, |part| {
        let says = |(source, whose): &(_, &str)| match warnings(source, &architecture) {
            Ok(log) if log.is_empty() => None,
            Ok(log) => Some(format!("`{}` of {whose}, {name}: {log}", source.entry)),
            Err(error @ Error::Unavailable { .. }) => Some(format!("NOT RUN, {error}")),
            Err(error) => Some(format!("`{}` of {whose}, {name}: {error}", source.entry)),
        };
        part.iter().filter_map(says).collect()
    });
    if let Some(missing) = said.iter().find(|text| text.starts_with("NOT RUN")) {
        assert!(env::var_os("TINTYPE_EXPECT_NVRTC").is_none(), "{test}: {missing}");
        println!("{test}: {missing}");
        return;
    }
    let first = said.iter().take(20).map(String::as_str).collect::<Vec<_>>().join("\n");
    assert!(said.is_empty(), "{} of {} kernels:\n{first}", said.len(), kernels.len());
    println!("{test}, {name}: {} kernels in {:.1?}", kernels.len(), started.elapsed());
}
