//! A product as its descriptions have it, held against what hipBLASLt asks.

use super::objects::{INVALID_VALUE, Layout, Objects, Operation, Refusal};
use std::hash::{DefaultHasher, Hash, Hasher};

/// `HIPBLAS_OP_N` and `HIPBLAS_OP_T`
const AS_IT_IS: i32 = 111;
const TRANSPOSED: i32 = 112;
/// `HIPBLAS_COMPUTE_32F` and `HIPBLAS_COMPUTE_32F_FAST_TF32`
const F32: i32 = 2;
const TF32: i32 = 6;
/// `HIP_R_32F`
const R_32F: i32 = 0;

/// A product that holds together.
pub(crate) struct Problem {
    operation: Operation,
    /// Of a, b and d; c lies as d does.
    layouts: [Layout; 3],
}

fn wrong<T>(why: String) -> Result<T, Refusal> {
    Err((INVALID_VALUE, why))
}

impl Problem {
    /// Of an operation and the layouts of a, b, c and d, by their addresses.
    pub(crate) fn of(
        objects: &mut Objects,
        operation: u64,
        layouts: [u64; 4],
        arch: &str,
    ) -> Result<Self, Refusal> {
        let operation = *objects.operation(operation)?;
        let mut read = |address: u64| objects.layout(address).map(|layout| *layout);
        let [a, b, c, d] = [read(layouts[0])?, read(layouts[1])?, read(layouts[2])?, read(layouts[3])?];
        let Operation { compute, scale, transposes, epilogue, bias, bias_type } = operation;
        match (compute, scale) {
            (F32, R_32F) => {}
            (TF32, R_32F) if arch.starts_with("gfx942") && a.dtype == R_32F => {}
            _ => return wrong(format!("compute type {compute} and scale type {scale} on {arch}")),
        }
        if ![0, 2, 14].contains(&a.dtype) || [b, c, d].iter().any(|other| other.dtype != a.dtype) {
            return wrong(format!("types {} {} {} {}", a.dtype, b.dtype, c.dtype, d.dtype));
        }
        for layout in [a, b, c, d] {
            if layout.rows == 0 || layout.columns == 0 || layout.leading < layout.rows as i64 {
                return wrong(format!("a matrix {layout:?}"));
            }
            if layout.count != d.count || layout.count < 1 {
                return wrong(format!("{} of one, {} of another", layout.count, d.count));
            }
        }
        let factor = |layout: Layout, transpose: i32| match transpose {
            AS_IT_IS => Ok((layout.rows, layout.columns)),
            TRANSPOSED => Ok((layout.columns, layout.rows)),
            other => wrong(format!("operation {other}")),
        };
        let ((m, k), (inner, n)) = (factor(a, transposes[0])?, factor(b, transposes[1])?);
        if k != inner || (d.rows, d.columns) != (m, n) || c != d {
            return wrong(format!("[{m}, {k}] by [{inner}, {n}] to {d:?}, c {c:?}"));
        }
        if d.count > 1 && d.stride == 0 {
            return wrong("results in one place".into());
        }
        match epilogue {
            1 | 32 => {}
            4 | 36 if bias != 0 && bias_type == d.dtype => {}
            _ => return wrong(format!("epilogue {epilogue}, bias {bias:#x} of type {bias_type}")),
        }
        Ok(Self { operation, layouts: [a, b, d] })
    }

    /// The same for the same product, whatever the bias' address.
    pub(crate) fn key(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        let Operation { compute, transposes, epilogue, .. } = self.operation;
        (compute, transposes, epilogue, self.layouts).hash(&mut hasher);
        hasher.finish()
    }

    /// Bytes from first to last of a, b and d, and of the bias, at its address, if there is one.
    pub(crate) fn reach(&self) -> ([u64; 3], Option<(u64, u64)>) {
        let [_, _, d] = self.layouts;
        let size = if d.dtype == R_32F { 4 } else { 2 };
        let reach = self.layouts.map(|layout| {
            let last = (layout.count as u64 - 1) * layout.stride.unsigned_abs()
                + (layout.columns - 1) * layout.leading.unsigned_abs();
            (last + layout.rows) * size
        });
        let has_bias = matches!(self.operation.epilogue, 4 | 36);
        (reach, has_bias.then(|| (self.operation.bias, d.rows * size)))
    }
}
