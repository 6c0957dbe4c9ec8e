//! Recipes: compiled graphs, which outlive them.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::nodes::Desc;

/// Section ids of the caller's begin here (section 5).
pub const FIRST_SECTION: u32 = 4;

/// Where a tensor of a recipe lives.
#[derive(Clone, Serialize, Deserialize)]
pub enum Place {
    /// At an offset of the workspace.
    Workspace(u64),
    /// At an offset of a section the caller gives the address of.
    Section(u32, u64),
    /// In the recipe itself: an index of its constants.
    Constant(usize),
}

#[derive(Clone, Serialize, Deserialize)]
pub struct RecipeTensor {
    pub name: String,
    pub kind: i32,
    pub desc: Desc,
    pub place: Place,
    pub is_input: bool,
    pub external: bool,
}

impl RecipeTensor {
    pub fn bytes(&self) -> u64 {
        self.desc.bytes()
    }

    pub fn section(&self) -> Option<(u32, u64)> {
        match self.place {
            Place::Section(id, offset) => Some((id, offset)),
            _ => None,
        }
    }
}

/// One node, in the order they run.
#[derive(Clone, Serialize, Deserialize)]
pub struct Step {
    pub guid: String,
    pub name: String,
    pub inputs: Vec<Option<usize>>,
    pub outputs: Vec<Option<usize>>,
    pub params: Vec<u8>,
    pub input_layouts: Vec<String>,
    pub output_layouts: Vec<String>,
}

/// A section of the caller's, by its id less [`FIRST_SECTION`].
#[derive(Clone, Serialize, Deserialize)]
pub struct RecipeSection {
    pub constant: bool,
    pub size: u64,
}

#[derive(Default, Serialize, Deserialize)]
pub struct Recipe {
    pub name: String,
    pub kind: i32,
    pub tensors: Vec<RecipeTensor>,
    pub steps: Vec<Step>,
    pub sections: Vec<RecipeSection>,
    pub workspace: u64,
    /// Bytes of constants; kept apart from the description in a file.
    #[serde(skip)]
    pub constants: Vec<Arc<Vec<u8>>>,
    /// Bytes of constant sections, until the caller clears them.
    #[serde(skip)]
    pub section_data: std::sync::Mutex<Vec<Option<Arc<Vec<u8>>>>>,
}

impl Recipe {
    /// The tensors a launch needs addresses for, as (index, tensor).
    pub fn persistent(&self) -> impl Iterator<Item = (usize, &RecipeTensor)> {
        self.tensors.iter().enumerate().filter(|(_, tensor)| tensor.section().is_some())
    }

    /// The id of a tensor at launch: its index, with its type above (section 1).
    pub fn id(&self, index: usize) -> u64 {
        index as u64 | (self.tensors[index].kind as u64) << 56
    }

    /// The index of an id.
    pub fn index(&self, id: u64) -> Option<usize> {
        let index = usize::try_from(id & 0x00ff_ffff_ffff_ffff).ok()?;
        (index < self.tensors.len() && self.id(index) == id).then_some(index)
    }

    pub fn named(&self, name: &str) -> Option<usize> {
        self.persistent().find(|(_, tensor)| tensor.name == name).map(|(index, _)| index)
    }
}
