//! What checks share: operands, types, parameters.

use super::{Call, Desc};
use crate::abi::DataType;

/// A kind with a type at the end of its name.
macro_rules! typed {
    ($name:literal, $check:expr, $run:expr) => {
        crate::nodes::Kind { name: $name, suffix: true, many_dimensions: false, check: $check, run: $run }
    };
}
/// A kind of the graph compiler's: without a type in its name.
macro_rules! plain {
    ($name:literal, $check:expr, $run:expr) => {
        crate::nodes::Kind { name: $name, suffix: false, many_dimensions: false, check: $check, run: $run }
    };
}
/// The same, for up to eight dimensions. The reference does not list these; nodes that move data only are meant.
macro_rules! moving {
    ($name:literal, $check:expr, $run:expr) => {
        crate::nodes::Kind { name: $name, suffix: false, many_dimensions: true, check: $check, run: $run }
    };
}
pub(crate) use {moving, plain, typed};

/// A condition a node has, with what it means if it does not hold.
pub fn need(holds: bool, why: impl FnOnce() -> String) -> Result<(), String> {
    if holds { Ok(()) } else { Err(why()) }
}

impl Call<'_> {
    /// An input that must be there.
    pub fn input(&self, index: usize) -> Result<&Desc, String> {
        self.inputs.get(index).and_then(Option::as_ref).ok_or_else(|| format!("input {index} is missing"))
    }

    pub fn maybe(&self, index: usize) -> Option<&Desc> {
        self.inputs.get(index).and_then(Option::as_ref)
    }

    /// An output that must be there.
    pub fn output(&self, index: usize) -> Result<&Desc, String> {
        self.outputs.get(index).and_then(Option::as_ref).ok_or_else(|| format!("output {index} is missing"))
    }

    /// How many inputs and outputs there may be, absent ones counted.
    pub fn counts(
        &self,
        inputs: std::ops::RangeInclusive<usize>,
        outputs: std::ops::RangeInclusive<usize>,
    ) -> Result<(), String> {
        need(inputs.contains(&self.inputs.len()), || {
            format!("{} inputs, {inputs:?} are taken", self.inputs.len())
        })?;
        need(outputs.contains(&self.outputs.len()), || {
            format!("{} outputs, {outputs:?} are given", self.outputs.len())
        })
    }

    /// The parameters' size must be one of the versions'.
    pub fn sizes_of_params(&self, sizes: &[usize]) -> Result<(), String> {
        need(sizes.contains(&self.params.len()), || {
            format!("parameters of {} bytes, the versions have {sizes:?}", self.params.len())
        })
    }

    /// Layouts must not be given.
    pub fn no_layouts(&self) -> Result<(), String> {
        let given = self.input_layouts.iter().chain(self.output_layouts).any(|layout| !layout.is_empty());
        need(!given, || "takes no layouts".into())
    }

    fn field<const N: usize>(&self, offset: usize) -> [u8; N] {
        self.params.get(offset..offset + N).and_then(|bytes| bytes.try_into().ok()).unwrap_or([0; N])
    }

    /// A field of the parameters at a byte offset; 0 where the version has none.
    pub fn u32(&self, offset: usize) -> u32 {
        u32::from_le_bytes(self.field(offset))
    }

    pub fn i32(&self, offset: usize) -> i32 {
        i32::from_le_bytes(self.field(offset))
    }

    pub fn u64(&self, offset: usize) -> u64 {
        u64::from_le_bytes(self.field(offset))
    }

    pub fn f32(&self, offset: usize) -> f32 {
        f32::from_le_bytes(self.field(offset))
    }

    /// A C bool.
    pub fn flag(&self, offset: usize) -> bool {
        self.params.get(offset).is_some_and(|&byte| byte != 0)
    }

    /// The suffix's type, which `desc` must have.
    pub fn typed(&self, desc: &Desc, what: &str) -> Result<DataType, String> {
        let dtype = self.dtype.ok_or("a name without a type")?;
        need(desc.dtype == dtype, || {
            format!("{what} is {}, the node is for {}", desc.dtype.suffix(), dtype.suffix())
        })?;
        Ok(dtype)
    }

    /// The suffix's type, which must be a float that kernels compute in.
    pub fn float(&self) -> Result<DataType, String> {
        match self.dtype {
            Some(dtype @ (DataType::F32 | DataType::Bf16 | DataType::F16)) => Ok(dtype),
            _ => Err("computed in f32, bf16 and f16 only".into()),
        }
    }
}

/// Sizes must be equal.
pub fn same(left: &[u64], right: &[u64], what: &str) -> Result<(), String> {
    need(left == right, || format!("{what}: sizes {left:?} and {right:?}"))
}

/// A type must be as said.
pub fn is(desc: &Desc, dtype: DataType, what: &str) -> Result<(), String> {
    need(desc.dtype == dtype, || format!("{what} is {}, {} is taken", desc.dtype.suffix(), dtype.suffix()))
}

/// Steps, in elements, of each dimension of a dense tensor; 0 where `sizes` is 1 and so broadcast.
pub fn strides(sizes: &[u64]) -> Vec<usize> {
    let mut step = 1;
    sizes
        .iter()
        .map(|&size| {
            let stride = if size == 1 { 0 } else { step };
            step *= size as usize;
            stride
        })
        .collect()
}

/// Calls `visit` with every position of `sizes`, the first dimension fastest, as offsets by each of `strides`.
pub fn walk<const N: usize>(sizes: &[u64], strides: [&[usize]; N], mut visit: impl FnMut([usize; N])) {
    let mut at = vec![0u64; sizes.len()];
    let mut offsets = [0usize; N];
    if sizes.contains(&0) {
        return;
    }
    loop {
        visit(offsets);
        let mut dim = 0;
        loop {
            if dim == sizes.len() {
                return;
            }
            at[dim] += 1;
            for (offset, strides) in offsets.iter_mut().zip(&strides) {
                *offset += strides[dim];
            }
            if at[dim] < sizes[dim] {
                break;
            }
            for (offset, strides) in offsets.iter_mut().zip(&strides) {
                *offset -= strides[dim] * at[dim] as usize;
            }
            at[dim] = 0;
            dim += 1;
        }
    }
}
