//! Which values share memory, and for how long.

use super::plan::Storage;
use crate::{Block, Node, Op, ValueId};

/// Memory that one or more values of a block live in, and its lifetime in nodes.
pub(super) struct Piece {
    /// The caller's: an input, a parameter or a state.
    pub(super) is_argument: bool,
    pub(super) size: usize,
    pub(super) first: usize,
    pub(super) last: usize,
}

/// The memory of a block's values.
pub(super) struct Storages {
    pub(super) pieces: Vec<Piece>,
    /// The piece of each value; `None` where nothing defines the value.
    pub(super) piece: Vec<Option<usize>>,
    /// The value that each view is a view of.
    pub(super) view_of: Vec<Option<ValueId>>,
    /// Whether the value fills its piece in row-major order.
    pub(super) exact: Vec<bool>,
    /// For each state, whether a node writes its next content over its present one.
    pub(super) updated_in_place: Vec<bool>,
    last_use: Vec<usize>,
}

impl Storages {
    pub(super) fn new(block: &Block, wanted: impl IntoIterator<Item = Storage>) -> Self {
        let values = block.values.len();
        let mut storages = Self {
            pieces: Vec::new(),
            piece: vec![None; values],
            view_of: vec![None; values],
            exact: vec![true; values],
            updated_in_place: vec![false; block.states.len()],
            last_use: last_uses(block),
        };
        for value in block.arguments().chain(block.states.iter().map(|state| state.value)) {
            storages.add(block, value, 0, true);
        }
        for ((index, node), wanted) in block.nodes.iter().enumerate().zip(wanted) {
            match (wanted, &node.outputs[..]) {
                (Storage::View { operand }, &[output]) if operand < node.inputs.len() => {
                    storages.add_view(node, output, node.inputs[operand]);
                }
                (Storage::InPlace { operands }, &[output]) if !matches!(node.op, Op::Call { .. }) => {
                    let operands = operands.iter().filter_map(|&k| node.inputs.get(k));
                    let over = operands.copied().find(|&v| storages.may_overwrite(block, index, node, v));
                    match over {
                        Some(operand) => storages.add_in_place(block, index, output, operand),
                        None => storages.add(block, output, index, false),
                    }
                }
                (Storage::Part { of }, &[output]) if of.index() < values => {
                    storages.add_part(block, index, output, of);
                }
                (wanted, outputs) => outputs.iter().for_each(|&v| {
                    storages.add_once(block, v, index);
                    storages.exact[v.index()] &= wanted != Storage::Permuted;
                }),
            }
        }
        storages
    }

    fn add(&mut self, block: &Block, value: ValueId, first: usize, is_argument: bool) {
        let (size, last) = (block.ty(value).bytes(), self.last_use[value.index()].max(first));
        self.piece[value.index()] = Some(self.pieces.len());
        self.pieces.push(Piece { is_argument, size, first, last });
    }

    /// Memory for a value that has none through its parts already.
    fn add_once(&mut self, block: &Block, value: ValueId, index: usize) {
        if self.piece[value.index()].is_none() {
            self.add(block, value, index, false);
        }
    }

    /// A value within another that is not defined yet: its memory is needed from here on.
    fn add_part(&mut self, block: &Block, index: usize, value: ValueId, of: ValueId) {
        self.add_once(block, of, index);
        self.join(value, of);
        self.view_of[value.index()] = Some(of);
        self.exact[value.index()] = false;
    }

    fn join(&mut self, value: ValueId, operand: ValueId) {
        let piece = self.piece[operand.index()];
        self.piece[value.index()] = piece;
        if let Some(piece) = piece.and_then(|piece| self.pieces.get_mut(piece)) {
            piece.last = piece.last.max(self.last_use[value.index()]);
        }
    }

    fn add_view(&mut self, node: &Node, value: ValueId, operand: ValueId) {
        self.join(value, operand);
        self.view_of[value.index()] = Some(operand);
        self.exact[value.index()] = self.exact[operand.index()] && matches!(node.op, Op::Reshape { .. });
    }

    fn add_in_place(&mut self, block: &Block, index: usize, value: ValueId, operand: ValueId) {
        if let Some(piece) = self.piece[operand.index()].and_then(|piece| self.pieces.get_mut(piece)) {
            piece.last = piece.last.max(index);
        }
        self.join(value, operand);
        for (state, updated) in block.states.iter().zip(&mut self.updated_in_place) {
            *updated |= self.piece[state.value.index()] == self.piece[value.index()];
        }
    }

    /// Whether the result of a node may be written over one of its operands.
    fn may_overwrite(&self, block: &Block, index: usize, node: &Node, operand: ValueId) -> bool {
        let Some(piece) = self.piece[operand.index()] else { return false };
        let &[output] = &node.outputs[..] else { return false };
        let (from, to) = (block.ty(operand), block.ty(output));
        let same_layout = from.elements() == to.elements() && from.dtype.size() == to.dtype.size();
        let dies = self.pieces[piece].last <= index;
        // Another operand in the same memory might be read where the result is written already.
        let alone = node.inputs.iter().all(|&v| v == operand || self.piece[v.index()] != Some(piece));
        // Of the caller's memory, only a state's may be written, and only with what the state becomes.
        let ours = !self.pieces[piece].is_argument
            || block.states.iter().any(|s| s.next == output && self.piece[s.value.index()] == Some(piece));
        same_layout && dies && alone && ours && self.exact[operand.index()]
    }
}

/// The last node that reads each value; past the last node where the value is a result.
fn last_uses(block: &Block) -> Vec<usize> {
    let mut last = vec![0; block.values.len()];
    for (index, node) in block.nodes.iter().enumerate() {
        node.inputs.iter().for_each(|value| last[value.index()] = index);
    }
    block.results().for_each(|value| last[value.index()] = block.nodes.len());
    last
}
