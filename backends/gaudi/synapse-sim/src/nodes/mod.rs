//! The nodes: what each takes, checks and computes. Section 7 of the reference; its rows are cited by name.

mod attention;
mod convert;
mod convolution;
mod convolution_shape;
mod elementwise;
mod example;
mod gelu;
mod group_norm;
mod index;
mod join;
mod lanes;
mod logical;
mod matmul;
mod norm;
mod pick;
mod product;
mod reduce;
mod resize;
mod rope;
mod slice;
mod support;

use serde::{Deserialize, Serialize};

use crate::abi::DataType;

/// Sizes (the fastest dimension first) and type of a tensor.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Desc {
    pub sizes: Vec<u64>,
    pub dtype: DataType,
}

impl Desc {
    pub fn elements(&self) -> u64 {
        self.sizes.iter().product()
    }

    pub fn bytes(&self) -> u64 {
        self.elements() * self.dtype.size()
    }

    pub fn rank(&self) -> usize {
        self.sizes.len()
    }
}

/// One use of a node: its name without suffix, the suffix, and what it was given.
pub struct Call<'a> {
    pub base: &'static str,
    pub dtype: Option<DataType>,
    pub inputs: &'a [Option<Desc>],
    pub outputs: &'a [Option<Desc>],
    pub params: &'a [u8],
    pub input_layouts: &'a [String],
    pub output_layouts: &'a [String],
}

/// The bytes of a node's inputs, those that are absent left out.
pub type Data<'a> = [Option<&'a [u8]>];
/// Why a node is refused, in words.
pub type Check = fn(&Call) -> Result<(), String>;
/// The bytes of a node's outputs.
pub type Results = Result<Vec<Option<Vec<u8>>>, String>;
/// Computes a node that was checked.
pub type Run = fn(&Call, &Data) -> Results;

/// A kind of node.
pub struct Kind {
    /// Its name, without the suffix of a type.
    pub name: &'static str,
    /// Whether its name ends in a type.
    pub suffix: bool,
    /// Whether it takes more than five dimensions.
    pub many_dimensions: bool,
    pub check: Check,
    pub run: Run,
}

/// A name taken apart.
pub struct Found {
    pub kind: &'static Kind,
    pub base: &'static str,
    pub dtype: Option<DataType>,
}

const TABLES: &[&[Kind]] = &[
    elementwise::KINDS,
    gelu::KINDS,
    pick::KINDS,
    product::KINDS,
    convolution::KINDS,
    norm::KINDS,
    group_norm::KINDS,
    reduce::KINDS,
    logical::KINDS,
    join::KINDS,
    slice::KINDS,
    index::KINDS,
    convert::KINDS,
    resize::KINDS,
    rope::KINDS,
    attention::KINDS,
];

/// The kind of a node's name; none if no node is called so.
pub fn find(guid: &str) -> Option<Found> {
    let kinds = || TABLES.iter().flat_map(|table| table.iter());
    if let Some(kind) = kinds().find(|kind| !kind.suffix && kind.name == guid) {
        return Some(Found { kind, base: kind.name, dtype: None });
    }
    if let Some((_, types)) = guid.split_once("cast_").filter(|(before, _)| before.is_empty()) {
        let (from, to) = types.split_once("_to_")?;
        DataType::suffixed(from)?;
        let kind = kinds().find(|kind| kind.name == convert::cast_name(from))?;
        return Some(Found { kind, base: kind.name, dtype: DataType::suffixed(to) })
            .filter(|found| found.dtype.is_some());
    }
    let (base, suffix) = guid.rsplit_once('_')?;
    let dtype = DataType::suffixed(suffix)?;
    let example = example::KINDS.iter().filter(|_| example::named());
    let kind = kinds().chain(example).find(|kind| kind.suffix && kind.name == base)?;
    Some(Found { kind, base: kind.name, dtype: Some(dtype) })
}
