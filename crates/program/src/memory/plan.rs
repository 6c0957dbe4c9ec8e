//! The plan of a whole Program.

use super::assign::{Interval, assign};
use super::storage::Storages;
use crate::{Block, Node, Op, Program, ValueId};

/// Where a plugin wants a node's result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Storage {
    /// In memory of its own.
    Fresh,
    /// In memory of its own, in another order than row-major: where it is a result, it is copied there.
    Permuted,
    /// In an operand's memory, as a view of it: nothing is computed. For nodes with one result.
    View {
        /// The operand's position.
        operand: usize,
    },
    /// Over an operand, if that can be: it dies at this node, has as many elements of the same width, fills its memory
    /// in row-major order (so it is no view, or a reshape), shares it with no other operand, and belongs to the block
    /// rather than its caller. A state may be overwritten by what it becomes. Otherwise the result is `Fresh`, as it
    /// is for calls and for nodes with several results.
    InPlace {
        /// The positions of operands that may be overwritten, the most wanted first.
        operands: Vec<usize>,
    },
    /// In a part of the memory of a value that a later node defines from it, such as a concat's result: who writes it
    /// writes the later value too. The later value's own place is as its node asks. For nodes with one result.
    Part {
        /// The later value.
        of: ValueId,
    },
}

/// Memory that a node needs while it runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scratch {
    /// So many bytes.
    Bytes(usize),
    /// The arena of the block that the node names.
    Callee,
}

/// What a plugin asks of the plan for one node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Need {
    /// Where the result goes.
    pub storage: Storage,
    /// What the node needs while it runs.
    pub scratch: Scratch,
}

impl Need {
    /// The cautious answer: fresh memory for every result, and the callee's arena where a node runs a block node by
    /// node. [`Op::Elementwise`] is one pass that holds its inner values in registers, so it needs none.
    pub fn fresh(op: &Op) -> Self {
        let scratch = match op {
            Op::Call { .. } | Op::Custom { .. } => Scratch::Callee,
            _ => Scratch::Bytes(0),
        };
        Self { storage: Storage::Fresh, scratch }
    }

    /// The same with another place for the result.
    pub fn with_storage(self, storage: Storage) -> Self {
        Self { storage, ..self }
    }

    /// The same with other scratch memory.
    pub fn with_scratch(self, scratch: Scratch) -> Self {
        Self { scratch, ..self }
    }
}

/// Where a value lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// Nothing defines this value.
    Nowhere,
    /// In the caller's memory: an input, a parameter, or a state as the run finds it.
    Argument,
    /// In the block's arena.
    Arena {
        /// Bytes from the arena's start.
        offset: usize,
    },
    /// In memory that the caller provides for a result.
    Result {
        /// The position among [`Block::results`]: outputs, then states, whose memory is that of the state itself.
        position: usize,
    },
    /// A view or a part of another value, which may be one in turn.
    View {
        /// The other value.
        of: ValueId,
    },
}

/// A result that has to be copied to the caller's memory after the block's last node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Copy {
    /// The value.
    pub from: ValueId,
    /// The position among [`Block::results`].
    pub to: usize,
    /// Where in the arena the value is set aside first, since another copy may overwrite it.
    pub stage: Option<usize>,
}

/// The memory of one block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BlockPlan {
    /// Where each value lives, by [`ValueId`].
    pub places: Vec<Place>,
    /// Where each node's scratch memory starts in the arena; `None` where it needs none.
    pub scratch: Vec<Option<usize>>,
    /// What is left to do after the last node. First every copy with a stage copies its value there; then every copy,
    /// in this order, writes its result from its stage or its value.
    pub copies: Vec<Copy>,
    /// Bytes of the arena, the arenas of called blocks included.
    pub size: usize,
}

/// Whose memory a value lies in, all views and parts followed to what they are of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Home {
    /// That of an argument of the block: inputs, parameters, then states.
    Argument(usize),
    /// What the caller gives for a result: outputs, then states.
    Result(usize),
    /// The arena's, so many bytes from its start.
    Arena(usize),
}

impl BlockPlan {
    /// Whose memory a value of `block`, which this is the plan of, lies in. `None` where nothing defines it.
    pub fn home(&self, block: &Block, mut value: ValueId) -> Option<Home> {
        loop {
            match *self.places.get(value.index())? {
                Place::View { of } => value = of,
                Place::Arena { offset } => return Some(Home::Arena(offset)),
                Place::Result { position } => return Some(Home::Result(position)),
                Place::Argument => {
                    let states = block.states.iter().map(|state| state.value);
                    let position = block.arguments().chain(states).position(|other| other == value);
                    return position.map(Home::Argument);
                }
                Place::Nowhere => return None,
            }
        }
    }
}

/// Plans the memory of every block, callees first as in [`Program::blocks`]. Offsets are multiples of `alignment`.
///
/// A block is given its arguments' memory, memory for each of its results, and an arena. A node that calls a block gives
/// it a part of its own arena, so the entry's [`BlockPlan::size`] is the peak of the whole Program, beside parameters,
/// inputs, states and outputs. A block has one plan, whoever calls it: calls do not overlap in time.
///
/// A result is written straight to the caller's memory by the node that makes it. It is copied there at the end
/// ([`BlockPlan::copies`]) where it is an argument, a view other than a reshape, or a value that is a result
/// twice, and where it would overwrite a state that is still read. Memory for results must not overlap memory of
/// arguments, but for a state's, which is both.
///
/// `need` is asked once for each node; [`Need::fresh`] is always right.
pub fn plan(program: &Program, alignment: usize, need: impl Fn(&Block, &Node) -> Need) -> Vec<BlockPlan> {
    let mut plans: Vec<BlockPlan> = Vec::with_capacity(program.blocks.len());
    for block in &program.blocks {
        let needs: Vec<Need> = block.nodes.iter().map(|node| need(block, node)).collect();
        let scratch = block.nodes.iter().zip(&needs).map(|(node, need)| match need.scratch {
            Scratch::Bytes(bytes) => bytes,
            Scratch::Callee => {
                node.op.block().and_then(|id| plans.get(id.index())).map_or(0, |callee| callee.size)
            }
        });
        let scratch: Vec<usize> = scratch.collect();
        let storages = Storages::new(block, needs.into_iter().map(|need| need.storage));
        plans.push(plan_block(block, &storages, &scratch, alignment));
    }
    plans
}

fn plan_block(block: &Block, storages: &Storages, scratch: &[usize], alignment: usize) -> BlockPlan {
    let end = block.nodes.len();
    let (claims, mut copies) = claim_results(block, storages);
    let mut intervals = Vec::new();
    let mut reserve = |size, first, last| {
        intervals.push(Interval { size, first, last });
        intervals.len() - 1
    };
    let pieces: Vec<Option<usize>> = storages
        .pieces
        .iter()
        .zip(&claims)
        .map(|(piece, claim)| {
            let ours = !piece.is_argument && claim.is_none();
            ours.then(|| reserve(piece.size, piece.first, piece.last))
        })
        .collect();
    let scratch: Vec<Option<usize>> =
        scratch.iter().enumerate().map(|(i, &size)| (size > 0).then(|| reserve(size, i, i))).collect();
    for copy in copies.iter_mut() {
        copy.stage = copy.stage.map(|_| reserve(block.ty(copy.from).bytes(), end, end));
    }
    let assigned = assign(&intervals, alignment);
    let offset = |interval: usize| assigned.offsets[interval];
    copies.iter_mut().for_each(|copy| copy.stage = copy.stage.map(offset));
    let place = |value: usize| match (storages.view_of[value], storages.piece[value]) {
        (Some(of), _) => Place::View { of },
        (None, None) => Place::Nowhere,
        (None, Some(piece)) => match (claims[piece], pieces[piece]) {
            (Some(position), _) => Place::Result { position },
            (None, Some(interval)) => Place::Arena { offset: offset(interval) },
            (None, None) => updated_state(block, storages, value).unwrap_or(Place::Argument),
        },
    };
    BlockPlan {
        places: (0..block.values.len()).map(place).collect(),
        scratch: scratch.into_iter().map(|interval| interval.map(offset)).collect(),
        copies,
        size: assigned.size,
    }
}

/// A value written over the state that becomes it.
fn updated_state(block: &Block, storages: &Storages, value: usize) -> Option<Place> {
    let state = (0..block.states.len()).find(|&i| {
        let state = &block.states[i];
        storages.updated_in_place[i] && state.next.index() == value && state.value.index() != value
    })?;
    Some(Place::Result { position: block.outputs.len() + state })
}

/// For each piece the result whose memory it is, and the results that need a copy.
fn claim_results(block: &Block, storages: &Storages) -> (Vec<Option<usize>>, Vec<Copy>) {
    let mut claims = vec![None; storages.pieces.len()];
    let mut copies = Vec::new();
    // A state that changes: its memory is written by the end of the block.
    let changing: Vec<_> = block.states.iter().filter(|state| state.next != state.value).collect();
    for (position, value) in block.results().enumerate() {
        let state = position.checked_sub(block.outputs.len()).map(|i| (i, &block.states[i]));
        if state.is_some_and(|(i, state)| state.next == state.value || storages.updated_in_place[i]) {
            continue;
        }
        let Some(piece) = storages.piece[value.index()] else { continue };
        // Its memory must not be read any more when the new content is first written.
        let free = state.is_none_or(|(_, state)| {
            storages.piece[state.value.index()]
                .is_some_and(|old| storages.pieces[old].last < storages.pieces[piece].first)
                || is_unread(block, state.value)
        });
        let made_here = !storages.pieces[piece].is_argument;
        if made_here && free && claims[piece].is_none() && storages.exact[value.index()] {
            claims[piece] = Some(position);
        } else {
            let overwritten =
                || changing.iter().any(|other| storages.piece[other.value.index()] == Some(piece));
            let stage = (state.is_some() && overwritten()).then_some(0);
            copies.push(Copy { from: value, to: position, stage });
        }
    }
    (claims, copies)
}

fn is_unread(block: &Block, value: ValueId) -> bool {
    !block
        .results()
        .chain(block.nodes.iter().flat_map(|node| node.inputs.iter().copied()))
        .any(|v| v == value)
}
