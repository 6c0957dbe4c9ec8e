//! Dtypes by name.

use clap::ValueEnum;
use tintype::{DType, NoiseDtype};

/// A dtype of arithmetic or of draws.
#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum DtypeArg {
    F32,
    Bf16,
    F16,
}

impl From<DtypeArg> for DType {
    fn from(arg: DtypeArg) -> Self {
        match arg {
            DtypeArg::F32 => DType::F32,
            DtypeArg::Bf16 => DType::Bf16,
            DtypeArg::F16 => DType::F16,
        }
    }
}

impl From<DtypeArg> for NoiseDtype {
    fn from(arg: DtypeArg) -> Self {
        match arg {
            DtypeArg::F32 => NoiseDtype::F32,
            DtypeArg::Bf16 => NoiseDtype::BF16,
            DtypeArg::F16 => NoiseDtype::F16,
        }
    }
}
