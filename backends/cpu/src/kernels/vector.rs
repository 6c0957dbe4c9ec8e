//! Plain loops compiled once for each level: the compiler vectorises them with the instructions that it may then use.

use crate::level::Level;

/// Work whose loops are vectorised. `run`, and what it calls with loops of its own, must be `#[inline(always)]`: a function
/// that is not inlined keeps to the instructions that every machine has.
pub(crate) trait Work {
    /// Does it.
    fn run(self);
}

/// Runs `work` with the instructions of `level`. Without fused multiply-adds in the source every level gives the same bits.
pub(crate) fn vectorised(level: Level, work: impl Work) {
    match level {
        // SAFETY: the machine has the instructions, as is checked here.
        #[cfg(target_arch = "x86_64")]
        Level::Avx512 | Level::Avx512Bf16 if level.is_supported() => unsafe { avx512(work) },
        // SAFETY: as above.
        #[cfg(target_arch = "x86_64")]
        Level::Avx2 if level.is_supported() => unsafe { avx2(work) },
        _ => work.run(),
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx2,fma,f16c")]
fn avx512(work: impl Work) {
    work.run();
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma,f16c")]
fn avx2(work: impl Work) {
    work.run();
}
