//! Linear layers that read the same rows, as one product: their weights lie one after another in memory, so nothing is copied, and
//! each is still found, written and replaced by its own name.

use crate::{Buffer, Signature, Within};
use std::sync::Arc;
use tintype_program::passes::fuse_linears;
use tintype_program::{Activation, Block, GeluForm, Node, Op, Program, Source};

/// A Program with joined products, and what its parameters are made of.
#[derive(Clone, Debug)]
pub struct Joined {
    /// The Program. Its sources say nothing of a checkpoint.
    pub program: Program,
    /// Of each of its entry's parameters: the parameters of the Program that it was, one after another.
    pub parts: Vec<Vec<usize>>,
}

impl Joined {
    /// Joins those linear layers of a checked Program that may be: `may` is given each with its block and its place there. None
    /// where there is nothing to join. Encoded weights are left alone, as their codes and their scales lie apart, and so are
    /// parts that would not be aligned as a buffer is.
    pub fn of(program: &Program, may: impl Fn(&Block, usize) -> bool) -> Option<Self> {
        // What a parameter is loaded from does not matter here: numbers in its place tell what became of which.
        let mut numbered = program.clone();
        numbered.sources = (0..program.sources.len()).map(|index| Source::load(index.to_string())).collect();
        let fused = fuse_linears(numbered, |block, node| fits(block, node) && may(block, node));
        let parts: Vec<Vec<usize>> = fused
            .sources
            .iter()
            .map(|source| {
                let mut parts = Vec::new();
                source.for_each_name(&mut |name| parts.extend(name.parse::<usize>()));
                parts
            })
            .collect();
        parts.iter().any(|parts| parts.len() > 1).then_some(Self { program: fused, parts })
    }

    /// As [`Joined::of`], of those that no gelu follows: queries, keys and values. A plugin that fuses a gelu into its product has it
    /// there on its way out.
    pub fn projections(program: &Program) -> Option<Self> {
        Self::of(program, |block, index| !is_followed(block, index))
    }

    /// Has the signature of the Program that it was say where its parameters should lie.
    pub fn place(&self, signature: &mut Signature) {
        for (param, parts) in self.program.entry().params.iter().zip(&self.parts) {
            if parts.len() < 2 {
                continue;
            }
            let whole: Arc<str> = Arc::from(param.name.as_str());
            let bytes = self.program.entry().ty(param.value).bytes();
            let mut offset = 0;
            for &part in parts {
                let Some(slot) = signature.params.get_mut(part) else { continue };
                slot.within = Some(Within { whole: Arc::clone(&whole), bytes, offset });
                offset += slot.ty.bytes();
            }
        }
    }
}

/// Of each joined parameter: its first part, where all parts lie one after another; none if any do not. `place` says of a parameter of
/// the Program that it was what memory it lies in, its first byte there and its length.
pub fn first_parts<S: PartialEq>(
    parts: &[Vec<usize>],
    place: impl Fn(usize) -> Option<(S, usize, usize)>,
) -> Option<Vec<usize>> {
    let whole = |parts: &Vec<usize>| {
        let places = parts.iter().map(|&part| place(part)).collect::<Option<Vec<_>>>()?;
        side_by_side(places).then(|| parts.first().copied())?
    };
    parts.iter().map(whole).collect()
}

/// Whether a linear layer can be joined with others.
fn fits(block: &Block, index: usize) -> bool {
    let Some(node) = block.nodes.get(index) else { return false };
    // Each part is also an operand by itself, to a Program that joins nothing.
    let aligned = |value: &_| block.ty(*value).bytes().is_multiple_of(Buffer::ALIGNMENT);
    matches!(node.op, Op::Linear { activation: Activation::Keep }) && node.inputs.iter().skip(1).all(aligned)
}

/// Whether a gelu alone reads what a node gives.
fn is_followed(block: &Block, index: usize) -> bool {
    let Some(&[output]) = block.nodes.get(index).map(|node| &node.outputs[..]) else { return false };
    let mut readers = block.nodes.iter().filter(|node| node.inputs.contains(&output));
    let is_gelu = |node: &Node| matches!(node.op, Op::Gelu { form: GeluForm::Tanh });
    readers.next().is_some_and(is_gelu)
        && readers.next().is_none()
        && !block.results().any(|value| value == output)
}

/// Whether parts lie one after another: by what they lie in, their first byte there and their length.
fn side_by_side<S: PartialEq>(parts: impl IntoIterator<Item = (S, usize, usize)>) -> bool {
    let mut parts = parts.into_iter();
    let Some((whole, start, length)) = parts.next() else { return true };
    let mut end = start + length;
    parts.all(|(within, start, length)| {
        let follows = within == whole && start == end;
        end += length;
        follows
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use tintype_program::{DType, TensorType};

    /// Linear layers of these widths, of one input.
    fn program(inner: usize, widths: [usize; 3]) -> Program {
        let traced = Program::trace("odd", |scope| {
            let x = scope.input("x", TensorType::new(DType::F32, [4, inner]))?;
            for (name, width) in ["a", "b", "c"].into_iter().zip(widths) {
                scope.output(name, &x.linear(&scope.child(name).param("weight", &[width, inner])?, None)?)?;
            }
            Ok(())
        });
        traced.unwrap_or_else(|error| panic!("{error}"))
    }

    fn parts(program: &Program) -> Vec<Vec<usize>> {
        Joined::of(program, |_, _| true).map_or_else(Vec::new, |joined| joined.parts)
    }

    #[test]
    fn a_part_that_would_not_be_aligned_stays_alone() {
        // A row of 8 columns is 32 bytes.
        assert_eq!(parts(&program(8, [8, 9, 8])), [vec![1], vec![0, 2]]);
        assert_eq!(parts(&program(16, [8, 9, 8])), [vec![0, 1, 2]]);
    }

    #[test]
    fn what_may_not_be_joined_is_not() {
        let program = program(16, [16, 32, 16]);
        let is_wide = |block: &Block, index: usize| block.ty(block.nodes[index].inputs[1]).shape[0] == 32;
        let parts = Joined::of(&program, |block, index| !is_wide(block, index)).map(|joined| joined.parts);
        assert_eq!(parts, Some(vec![vec![1], vec![0, 2]]));
        assert!(Joined::of(&program, |_, _| false).is_none());
    }

    #[test]
    fn the_signature_stays_what_it_was_and_says_where_parts_lie() {
        let program = program(16, [16, 16, 32]);
        let mut signature = Signature::of(&program);
        let joined = Joined::of(&program, |_, _| true).unwrap_or_else(|| panic!("nothing is joined"));
        joined.place(&mut signature);
        assert_eq!(signature, Signature::of(&program));
        let within: Vec<_> = signature.params.iter().filter_map(|slot| slot.within.as_ref()).collect();
        let offsets: Vec<_> = within.iter().map(|within| (within.offset, within.bytes)).collect();
        assert_eq!(offsets, [(0, 4096), (1024, 4096), (2048, 4096)]);
    }

    #[test]
    fn joined_parameters_are_found_where_their_parts_lie_side_by_side() {
        let places = [('a', 64, 64), ('a', 128, 8), ('b', 136, 8), ('a', 192, 64)];
        let first = |parts: &[Vec<usize>]| first_parts(parts, |part| places.get(part).copied());
        assert_eq!(first(&[vec![0, 1], vec![2]]), Some(vec![0, 2]));
        assert_eq!(first(&[vec![1, 2]]), None, "other memory");
        assert_eq!(first(&[vec![0, 3]]), None, "a gap between");
        assert_eq!(first(&[vec![7]]), None, "no such parameter");
    }
}
