//! Dtypes and quantizations by name.

use clap::ValueEnum;
use std::str::FromStr;
use tintype::{DType, NoiseDtype, Quantization};

/// A quantization, or `off`.
#[derive(Clone, Copy)]
pub(crate) struct QuantizeArg(pub(crate) Option<Quantization>);

impl FromStr for QuantizeArg {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "off" => Ok(Self(None)),
            _ => text.parse().map(Some).map(Self).map_err(|unknown: String| format!("{unknown}, off")),
        }
    }
}

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
