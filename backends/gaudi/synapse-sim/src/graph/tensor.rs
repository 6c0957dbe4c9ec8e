//! Tensors and sections of a graph: properties that are set once, and locked by use.

use std::sync::Arc;

use crate::abi::{DIM_MAX, DataType, Outcome, Status, TENSOR_DIM_MAX, fault};
use crate::state::Handle;

/// A tensor of a graph.
pub struct Tensor {
    pub graph: Handle,
    pub kind: i32,
    pub name: Option<String>,
    /// Sizes, the fastest dimension first.
    pub sizes: Option<Vec<u64>>,
    pub min_sizes: Option<Vec<u64>>,
    pub dtype: Option<DataType>,
    pub section: Option<(Handle, u64)>,
    /// A constant: its bytes, and the pointer they came from.
    pub data: Option<(Arc<Vec<u8>>, u64)>,
    pub external: bool,
    pub permutation: Option<Vec<u8>>,
    pub allow_permutation: i8,
    /// A node uses it: its properties stand.
    pub locked: bool,
}

impl Tensor {
    pub fn new(graph: Handle, kind: i32, name: Option<String>) -> Tensor {
        Tensor {
            graph,
            kind,
            name,
            sizes: None,
            min_sizes: None,
            dtype: None,
            section: None,
            data: None,
            external: false,
            permutation: None,
            allow_permutation: 0,
            locked: false,
        }
    }

    /// Refuses changes once a node uses the tensor (section 5, synTensorSetGeometry).
    pub fn open(&mut self) -> Outcome<&mut Tensor> {
        if self.locked {
            return fault(Status::OBJECT_ALREADY_INITIALIZED, "a node uses the tensor: its properties stand");
        }
        Ok(self)
    }

    /// Sets the geometry of a kind: MinSizes 0, MaxSizes = Sizes 1, Dims 2.
    pub fn set_geometry(&mut self, sizes: &[u64; DIM_MAX], dims: u32, kind: i32) -> Outcome {
        let dims = dims as usize;
        if dims == 0 || dims > TENSOR_DIM_MAX {
            return fault(
                Status::INVALID_ARGUMENT,
                format!("{dims} dimensions: 1 to {TENSOR_DIM_MAX} are allowed"),
            );
        }
        let sizes = sizes[..dims].to_vec();
        // Sizes of 0 are not spoken of; the stricter reading refuses them.
        if kind != 2 && sizes.contains(&0) {
            return fault(Status::INVALID_ARGUMENT, format!("a size of 0 in {sizes:?}"));
        }
        match kind {
            0 => self.min_sizes = Some(sizes),
            1 => {
                self.min_sizes = Some(sizes.clone());
                self.sizes = Some(sizes);
            }
            2 => {}
            _ => return fault(Status::INVALID_ARGUMENT, format!("geometry type {kind}")),
        }
        Ok(())
    }

    /// Bytes of the tensor, once geometry and type are set.
    pub fn bytes(&self) -> Option<u64> {
        let elements =
            self.sizes.as_ref()?.iter().try_fold(1u64, |product, &size| product.checked_mul(size))?;
        elements.checked_mul(self.dtype?.size())
    }
}

/// A section: memory that the caller gives an address for.
pub struct Section {
    pub graph: Handle,
    pub persistent: bool,
    pub constant: bool,
    pub rmw: bool,
    pub group: u64,
    /// A tensor is in it: its properties stand.
    pub used: bool,
}

impl Section {
    /// The defaults of section 5, synSectionCreate.
    pub fn new(graph: Handle) -> Section {
        Section { graph, persistent: true, constant: false, rmw: false, group: 0, used: false }
    }

    /// Refuses changes after use.
    pub fn open(&mut self) -> Outcome<&mut Section> {
        if self.used {
            return fault(Status::FAIL, "a tensor is in the section: its properties stand");
        }
        Ok(self)
    }
}
