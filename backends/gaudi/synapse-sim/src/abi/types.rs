//! Data types: their numbers (a bit each), suffixes in node names and sizes (sections 2 and 6).

use serde::{Deserialize, Serialize};

/// A data type of tensors that this library can hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum DataType {
    I8,
    Bf16,
    F32,
    I16,
    I32,
    U8,
    F16,
    U16,
    U32,
    /// E4M3, `hf8`.
    Fp8E4M3,
    /// E5M2, `f8`.
    Fp8E5M2,
    I64,
    U64,
}

/// Type, number of the interface, suffix in node names, bytes an element.
const ALL: &[(DataType, i32, &str, u64)] = &[
    (DataType::I8, 1 << 0, "i8", 1),
    (DataType::Bf16, 1 << 1, "bf16", 2),
    (DataType::F32, 1 << 2, "f32", 4),
    (DataType::I16, 1 << 3, "i16", 2),
    (DataType::I32, 1 << 4, "i32", 4),
    (DataType::U8, 1 << 5, "u8", 1),
    (DataType::F16, 1 << 8, "f16", 2),
    (DataType::U16, 1 << 9, "u16", 2),
    (DataType::U32, 1 << 10, "u32", 4),
    (DataType::Fp8E4M3, 1 << 13, "hf8", 1),
    (DataType::Fp8E5M2, 1 << 14, "f8", 1),
    (DataType::I64, 1 << 15, "i64", 8),
    (DataType::U64, 1 << 16, "u64", 8),
];

impl DataType {
    /// The type of a number of the interface; none for those this library does not hold.
    pub fn of(number: i32) -> Option<DataType> {
        ALL.iter().find(|entry| entry.1 == number).map(|entry| entry.0)
    }

    /// The type of a suffix.
    pub fn suffixed(suffix: &str) -> Option<DataType> {
        ALL.iter().find(|entry| entry.2 == suffix).map(|entry| entry.0)
    }

    fn entry(self) -> (i32, &'static str, u64) {
        ALL.iter().find(|entry| entry.0 == self).map_or((0, "na", 1), |entry| (entry.1, entry.2, entry.3))
    }

    /// The number of the interface.
    pub fn number(self) -> i32 {
        self.entry().0
    }

    /// The suffix in node names.
    pub fn suffix(self) -> &'static str {
        self.entry().1
    }

    /// Bytes an element.
    pub fn size(self) -> u64 {
        self.entry().2
    }

    /// Whether arithmetic on it is in floating point.
    pub fn is_float(self) -> bool {
        matches!(self, DataType::Bf16 | DataType::F32 | DataType::F16 | DataType::Fp8E4M3 | DataType::Fp8E5M2)
    }
}
