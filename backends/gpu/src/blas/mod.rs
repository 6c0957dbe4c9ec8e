//! Matrix products by a vendor's library: cuBLASLt or hipBLASLt, which agree in all but names and numbers.

mod choice;
mod descriptor;
mod prepared;
mod shape;
mod table;
mod vendor;

use crate::driver::{Opened, Queue, Status};
use crate::{Epilogue, MatMul, Offer};
pub use choice::Choice;
use descriptor::Descriptor;
pub use prepared::Product;
use std::sync::{Arc, Mutex};
pub use table::Object;
use table::{Table, data, epilogue};
use tintype_program::DType;
pub use vendor::{Numbers, Vendor};

/// A library on one device. Algorithms are chosen when a product is prepared, and kept.
pub struct Blas {
    inner: Arc<Inner>,
}

/// What is there before a handle is.
struct Shared {
    table: Table,
    vendor: Box<dyn Vendor>,
}

/// What prepared products share.
struct Inner {
    shared: Arc<Shared>,
    handle: Object,
    version: String,
}

// SAFETY: the library's handle may be used by any thread; a device's work is enqueued by one at a time.
unsafe impl Send for Inner {}
// SAFETY: as above.
unsafe impl Sync for Inner {}

/// Bytes from first to last of a, b, the bias and d.
pub type Reach = [usize; 4];

impl Blas {
    /// Looks the library's functions up and makes a handle. The device is current, now and whenever something is prepared or
    /// enqueued; nothing is being captured now.
    ///
    /// # Errors
    ///
    /// What the library lacks, or what it answers.
    pub fn open(opened: &Opened, vendor: Box<dyn Vendor>) -> Result<Self, String> {
        let shared = Arc::new(Shared::new(opened, vendor)?);
        let mut handle = std::ptr::null_mut();
        // SAFETY: `handle` is a place for the pointer.
        shared.check(unsafe { shared.table.create(&mut handle) })?;
        let version = shared.vendor.version(handle);
        Ok(Self { inner: Arc::new(Inner { shared, handle, version }) })
    }

    /// The library's version, as `13.0.2`.
    pub fn version(&self) -> &str {
        &self.inner.version
    }

    /// Chooses an algorithm for a product whose results go out on a stream, or says why the library does not take it. `tune`
    /// may choose another of the list, whose first the product has.
    pub fn prepare(
        &self,
        op: &MatMul,
        queue: &Arc<Queue>,
        tune: impl FnOnce(&mut Product, &[Choice], Reach),
    ) -> Offer {
        let shared = &self.inner.shared;
        let Described { description, layouts, alignment, reach } = describe(shared, op)?;
        let list = choice::list(&self.inner, &description, &layouts, alignment)?;
        let mut product = Product {
            name: String::new(),
            inner: Arc::clone(&self.inner),
            description: Mutex::new(description),
            layouts,
            choice: list.first().copied().unwrap_or_default(),
            alignment: alignment as u64,
            bias: op.bias,
            queue: Arc::clone(queue),
        };
        tune(&mut product, &list, reach);
        let vendor = &shared.vendor;
        let made_of = vendor.describe(product.choice.algorithm());
        product.name = format!("{} {}{made_of}", vendor.title(), self.inner.version);
        tracing::debug!(m = op.m, n = op.n, k = op.k, epilogue = ?op.epilogue, "{}", product.name);
        Ok(Arc::new(product))
    }
}

/// What a library's descriptions of a product span, bytes of a, b, the bias and d: as much of [`Blas::prepare`] as needs no
/// device. For tests.
///
/// # Errors
///
/// What the library lacks or refuses.
#[doc(hidden)]
pub fn described(opened: &Opened, vendor: Box<dyn Vendor>, op: &MatMul) -> Result<Reach, String> {
    let shared = Arc::new(Shared::new(opened, vendor)?);
    let described = describe(&shared, op)?;
    choice::wanted(&shared, described.alignment)?;
    Ok(described.reach)
}

impl Shared {
    fn new(opened: &Opened, vendor: Box<dyn Vendor>) -> Result<Self, String> {
        let table = Table::load(opened.library, vendor.dialect()).map_err(|missing| {
            let (title, path) = (vendor.title(), opened.path.display());
            format!("{title} at {path} lacks {}: install a newer version", missing.join(", "))
        })?;
        Ok(Self { table, vendor })
    }

    /// A status as an error that names the function, the number and the library's name for it.
    fn check(&self, answer: Result<(), Status>) -> Result<(), String> {
        answer.map_err(|Status { call, code }| {
            let name = self.vendor.status(code);
            let name = name.as_deref().unwrap_or("unknown");
            format!("{}: {call} gave {code} ({name})", self.vendor.title())
        })
    }
}

/// A product in the library's terms.
struct Described {
    description: Descriptor,
    /// Of the first factor, the second, and the result.
    layouts: [Descriptor; 3],
    /// What every address is a multiple of, in bytes: a power of two.
    alignment: usize,
    reach: Reach,
}

fn describe(shared: &Arc<Shared>, op: &MatMul) -> Result<Described, String> {
    let (size, title, numbers) = (op.dtype.size(), shared.vendor.title(), shared.vendor.numbers());
    let dtype = match op.dtype {
        DType::F32 => data::F32,
        DType::F16 => data::F16,
        DType::Bf16 => data::BF16,
        other => return Err(format!("{title} is not asked for products of {other}")),
    };
    let alignment = match op.alignment {
        0 => return Err("an alignment of 0 bytes says nothing about addresses".into()),
        // The largest power of two in it; no library knows one above 256.
        bytes => (1usize << bytes.trailing_zeros()).min(256),
    };
    let least = size.max(numbers.least_alignment);
    if alignment < least {
        return Err(format!("{title} is asked at multiples of {least} bytes, not of {alignment}"));
    }
    let product = shape::product(op)?;
    let [exact, rounded] = numbers.compute;
    let compute = if op.tf32 && op.dtype == DType::F32 { rounded } else { exact };
    let mut description = Descriptor::operation(shared, compute, data::F32)?;
    for (attribute, factor) in numbers.transposes.into_iter().zip([&product.first, &product.second]) {
        description.set(attribute, numbers.operations[usize::from(factor.transposed)])?;
    }
    let epilogue = match (op.epilogue, op.bias) {
        (Epilogue::None, false) => epilogue::NONE,
        (Epilogue::None, true) => epilogue::BIAS,
        (Epilogue::GeluTanh, false) => epilogue::GELU,
        (Epilogue::GeluTanh, true) => epilogue::GELU_BIAS,
    };
    let [follows, bias, bias_type] = numbers.epilogue;
    description.set(follows, epilogue)?;
    if op.bias {
        description.set(bias_type, dtype)?;
        // The choice reads the alignment off this address. The true one comes with each launch.
        description.set(bias, alignment)?;
    }
    let matrix = |columns: &shape::Columns| -> Result<Descriptor, String> {
        let mut matrix = Descriptor::layout(shared, dtype, columns.rows, columns.columns, columns.leading)?;
        let [count, stride] = numbers.batch;
        matrix.set(count, product.batch as i32)?;
        matrix.set(stride, columns.stride as i64)?;
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
    let reach = [reach(&product.second), reach(&product.first), op.n * size, reach(&product.out)];
    Ok(Described { description, layouts, alignment, reach })
}

impl Drop for Inner {
    fn drop(&mut self) {
        // SAFETY: made by `create`, given back once; whatever used it held this. What it answers is of no use.
        let _ = unsafe { self.shared.table.destroy(self.handle) };
    }
}
