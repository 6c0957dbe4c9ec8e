//! Matrix products by cuBLASLt.

mod choice;
mod descriptor;
mod prepared;
mod search;
mod shape;
mod table;

use crate::Stream;
use descriptor::Descriptor;
use prepared::Product;
pub(crate) use search::Search;
use search::Searches;
use std::path::Path;
use std::sync::{Arc, Mutex};
use table::{Object, Table, compute, data, epilogue, layout, operation};
use tintype_gpu::driver::Queue;
use tintype_gpu::{Epilogue, MatMul, Offer};
use tintype_program::DType;

/// cuBLASLt on one device. Algorithms are chosen when a product is prepared, and kept: its own first choice, or
/// the fastest on the device.
pub struct Blas {
    inner: Arc<Inner>,
    searches: Option<Searches>,
}

/// What prepared products share.
struct Inner {
    table: Arc<Table>,
    handle: Object,
    version: String,
    device: String,
}

// SAFETY: the library's handle may be used by any thread, and by several at once.
unsafe impl Send for Inner {}
// SAFETY: as above.
unsafe impl Sync for Inner {}

impl Blas {
    /// Looks the library's functions up and makes a handle. `path` is where the library was found and `device` the device's
    /// name, both for messages. The device's context is current, now and whenever something is prepared or enqueued.
    pub fn open(library: &'static libloading::Library, path: &Path, device: &str) -> Result<Self, String> {
        // SAFETY: the signatures are those of cublasLt.h, which have not changed since version 11.
        let mut table = unsafe { Table::new(library, path) };
        // SAFETY: takes nothing.
        let version = crate::table::version(unsafe { table.cublasLtGetVersion()?() });
        table.name(&version);
        let create = table.cublasLtCreate()?;
        let mut handle = std::ptr::null_mut();
        // SAFETY: `handle` is a place for the pointer.
        table.check(unsafe { create(&mut handle) }, "cublasLtCreate")?;
        let inner = Inner { table: Arc::new(table), handle, version, device: device.into() };
        Ok(Self { inner: Arc::new(inner), searches: None })
    }

    /// Has algorithms tried on the device as `search` says. What is found holds for `device`, and is kept in `folder`.
    pub(crate) fn search(
        self,
        search: Search,
        queue: &Arc<Queue>,
        folder: Option<&Path>,
        device: &str,
    ) -> Self {
        let setting = format!("cuBLASLt {} {device}", self.inner.version);
        Self { searches: Some(Searches::new(search, queue, folder, &setting)), ..self }
    }

    /// The library's version, as `13.0.2`.
    pub fn version(&self) -> &str {
        &self.inner.version
    }

    /// Chooses an algorithm for a product whose results go out on `stream`, or says why the library does not take it.
    pub fn prepare(&self, op: &MatMul, stream: Stream) -> Offer {
        let Described { description, layouts, alignment, bytes } = describe(&self.inner.table, op)?;
        let list = choice::list(&self.inner, &description, &layouts, alignment)?;
        let mut product = Product {
            name: String::new(),
            inner: self.inner.clone(),
            description: Mutex::new(description),
            layouts,
            choice: list.first().copied().unwrap_or_default(),
            alignment: alignment as u64,
            bias: op.bias,
            stream,
        };
        if let Some(searches) = &self.searches {
            searches.choose(&mut product, op, &list, bytes);
        }
        product.name = choice::describe(&self.inner, &product.choice);
        tracing::debug!(m = op.m, n = op.n, k = op.k, epilogue = ?op.epilogue, "{}", product.name);
        Ok(Arc::new(product))
    }
}

/// A product in the library's terms.
struct Described {
    description: Descriptor,
    /// Of the first factor, the second, and the result.
    layouts: [Descriptor; 3],
    /// What every address is a multiple of, in bytes: a power of two.
    alignment: usize,
    /// From first to last of a, b, the bias and d.
    bytes: [usize; 4],
}

fn describe(table: &Arc<Table>, op: &MatMul) -> Result<Described, String> {
    let size = op.dtype.size();
    let dtype = match op.dtype {
        DType::F32 => data::F32,
        DType::F16 => data::F16,
        DType::Bf16 => data::BF16,
        other => return Err(format!("cuBLASLt is not asked for products of {other}")),
    };
    let alignment = match op.alignment {
        0 => return Err("an alignment of 0 bytes says nothing about addresses".into()),
        // The largest power of two in it; the library knows none above 256.
        bytes => (1usize << bytes.trailing_zeros()).min(256),
    };
    if alignment < size {
        return Err(format!("addresses at multiples of {alignment} bytes split elements of {size}"));
    }
    let product = shape::product(op)?;
    let fast = op.tf32 && op.dtype == DType::F32;
    let compute = if fast { compute::FAST_TF32 } else { compute::F32 };
    let mut description = Descriptor::operation(table, compute, data::F32)?;
    description.set(operation::TRANSPOSE_A, i32::from(product.first.transposed))?;
    description.set(operation::TRANSPOSE_B, i32::from(product.second.transposed))?;
    let epilogue = match (op.epilogue, op.bias) {
        (Epilogue::None, false) => epilogue::NONE,
        (Epilogue::None, true) => epilogue::BIAS,
        (Epilogue::GeluTanh, false) => epilogue::GELU,
        (Epilogue::GeluTanh, true) => epilogue::GELU_BIAS,
    };
    description.set(operation::EPILOGUE, epilogue)?;
    if op.bias {
        description.set(operation::BIAS_TYPE, dtype)?;
        // The choice reads the alignment off this address. The true one comes with each launch.
        description.set(operation::BIAS, alignment)?;
    }
    let matrix = |columns: &shape::Columns| -> Result<Descriptor, String> {
        let mut matrix = Descriptor::layout(table, dtype, columns.rows, columns.columns, columns.leading)?;
        matrix.set(layout::BATCH, product.batch as i32)?;
        matrix.set(layout::BATCH_STRIDE, columns.stride as i64)?;
        Ok(matrix)
    };
    let layouts = [matrix(&product.first)?, matrix(&product.second)?, matrix(&product.out)?];
    let reach = |columns: &shape::Columns| {
        let elements = (product.batch - 1)
            .saturating_mul(columns.stride)
            .saturating_add((columns.columns - 1).saturating_mul(columns.leading))
            .saturating_add(columns.rows);
        elements.saturating_mul(size)
    };
    let bytes = [reach(&product.second), reach(&product.first), op.n * size, reach(&product.out)];
    Ok(Described { description, layouts, alignment, bytes })
}

impl Drop for Inner {
    fn drop(&mut self) {
        if let Ok(destroy) = self.table.cublasLtDestroy() {
            // SAFETY: made by `cublasLtCreate`, given back once; whatever used it held this.
            unsafe { destroy(self.handle) };
        }
    }
}

#[cfg(test)]
mod tests;
