//! Which instructions kernels may use: found when the device is opened, or forced to test a path.

use std::fmt;

/// A set of instructions that kernels are written for. Higher ones include what lower ones of the same machine have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// Whatever the compiler's target has: plain x86-64, or any other machine.
    Portable,
    /// 64-bit Arm with NEON.
    Neon,
    /// AVX2 with FMA and F16C.
    Avx2,
    /// AVX-512 F, BW, VL and DQ.
    Avx512,
    /// AVX-512 with BF16 dot products.
    Avx512Bf16,
}

impl Level {
    /// Every level, in order.
    pub const ALL: [Level; 5] = [Level::Portable, Level::Neon, Level::Avx2, Level::Avx512, Level::Avx512Bf16];

    /// The name that `TINTYPE_CPU_LEVEL` and reports use.
    pub const fn name(self) -> &'static str {
        match self {
            Level::Portable => "portable",
            Level::Neon => "neon",
            Level::Avx2 => "avx2",
            Level::Avx512 => "avx512",
            Level::Avx512Bf16 => "avx512bf16",
        }
    }

    /// Whether this machine has the instructions.
    pub fn is_supported(self) -> bool {
        match self {
            Level::Portable => true,
            #[cfg(target_arch = "aarch64")]
            Level::Neon => std::arch::is_aarch64_feature_detected!("neon"),
            #[cfg(target_arch = "x86_64")]
            Level::Avx2 => {
                is_x86_feature_detected!("avx2")
                    && is_x86_feature_detected!("fma")
                    && is_x86_feature_detected!("f16c")
            }
            #[cfg(target_arch = "x86_64")]
            Level::Avx512 => {
                Level::Avx2.is_supported()
                    && is_x86_feature_detected!("avx512f")
                    && is_x86_feature_detected!("avx512bw")
                    && is_x86_feature_detected!("avx512vl")
                    && is_x86_feature_detected!("avx512dq")
            }
            #[cfg(target_arch = "x86_64")]
            Level::Avx512Bf16 => Level::Avx512.is_supported() && is_x86_feature_detected!("avx512bf16"),
            #[allow(unreachable_patterns, reason = "levels of other machines")]
            _ => false,
        }
    }

    /// The highest level that this machine has.
    pub fn best() -> Level {
        Level::ALL.into_iter().rev().find(|level| level.is_supported()).unwrap_or(Level::Portable)
    }

    /// The level of a name, if it is one and this machine has it; else what to say about it.
    pub fn named(name: &str) -> Result<Level, String> {
        let known: Vec<_> = Level::ALL.into_iter().filter(|level| level.is_supported()).collect();
        let found = known.iter().find(|level| level.name() == name);
        found.copied().ok_or_else(|| {
            let names: Vec<_> = known.iter().map(|level| level.name()).collect();
            format!("`{name}` is no level of this machine, which has {}", names.join(", "))
        })
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_always_a_level() {
        assert!(Level::best().is_supported());
        assert_eq!(Level::named("portable"), Ok(Level::Portable));
        assert!(Level::named("mmx").unwrap_err().contains("portable"));
    }
}
