//! AMD's architectures: what kernels are made for.

use tintype_gpu::{Architecture, Dialect, MatrixUnit};

/// Bytes of LDS that a block may have, on all that are listed but one.
const LDS: u32 = 64 << 10;

/// What is known of an architecture without its features: wave size, LDS and matrix instructions.
fn traits_of(name: &str) -> Option<(u32, u32, MatrixUnit)> {
    let (unit, lds) = match name {
        // CDNA
        "gfx90a" | "gfx942" => (MatrixUnit::Mfma, LDS),
        "gfx950" => (MatrixUnit::Mfma, 160 << 10),
        // RDNA 2
        "gfx1030" | "gfx1031" | "gfx1032" | "gfx1033" | "gfx1034" | "gfx1035" | "gfx1036" => {
            (MatrixUnit::None, LDS)
        }
        // RDNA 3, 3.5 and 4
        "gfx1100" | "gfx1101" | "gfx1102" | "gfx1103" | "gfx1150" | "gfx1151" | "gfx1152" | "gfx1200"
        | "gfx1201" => (MatrixUnit::Wmma, LDS),
        _ => return None,
    };
    let wave = if name.starts_with("gfx9") { 64 } else { 32 };
    Some((wave, lds, unit))
}

/// `gfx942` of `gfx942:sramecc+:xnack-`.
pub fn base(name: &str) -> &str {
    name.split(':').next().unwrap_or(name)
}

/// What kernels are made for on a device that calls its architecture so, features and all; none where it is not one that
/// they are written for.
pub fn architecture(name: &str, compute_units: u32) -> Option<Architecture> {
    let (warp, shared, matrix) = traits_of(base(name))?;
    Some(Architecture {
        name: name.into(),
        dialect: Dialect::Hip,
        capability: 0,
        warp,
        shared,
        matrix,
        multiprocessors: compute_units,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waves_and_matrix_instructions_go_with_the_generation() {
        let of = |name: &str| architecture(name, 1).map(|found| (found.warp, found.matrix));
        assert_eq!(of("gfx90a:sramecc+:xnack-"), Some((64, MatrixUnit::Mfma)));
        assert_eq!(of("gfx942"), Some((64, MatrixUnit::Mfma)));
        assert_eq!(of("gfx1030"), Some((32, MatrixUnit::None)));
        assert_eq!(of("gfx1201"), Some((32, MatrixUnit::Wmma)));
        assert_eq!(of("gfx803"), None);
    }

    #[test]
    fn the_compiler_is_told_all_of_a_name() {
        let name = "gfx942:sramecc+:xnack-";
        assert_eq!(architecture(name, 304).unwrap().name, name);
        assert_eq!(base(name), "gfx942");
    }
}
