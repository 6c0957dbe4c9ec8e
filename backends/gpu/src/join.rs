//! Linear layers that read the same rows, as one product: their weights lie one after another in memory, so nothing is copied, and
//! each is still found, written and replaced by its own name.

use crate::passes::Uses;
use std::str::FromStr;
use std::sync::Arc;
use tintype_accel::{Buffer, Signature, Within};
use tintype_program::passes::fuse_linears;
use tintype_program::{Activation, Block, GeluForm, Op, Program, Source};

/// Which linear layers of the same operand become one product.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Joins {
    /// None.
    Off,
    /// Those that no activation follows: one that follows is done by the product's epilogue, which has it on its way out.
    #[default]
    Projections,
    /// All. An activation then reads a part of the product's result.
    All,
}

impl FromStr for Joins {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "off" => Ok(Joins::Off),
            "projections" => Ok(Joins::Projections),
            "all" => Ok(Joins::All),
            _ => Err(format!("`{text}` joins nothing; there are off, projections, all")),
        }
    }
}

/// A Program with joined products, and what its parameters are made of.
pub(crate) struct Joined {
    pub(crate) program: Program,
    /// Of each of its entry's parameters: the parameters of the Program that it was, one after another.
    pub(crate) parts: Vec<Vec<usize>>,
}

impl Joined {
    /// None where there is nothing to join.
    pub(crate) fn of(program: &Program, joins: Joins) -> Option<Self> {
        if joins == Joins::Off {
            return None;
        }
        // What a parameter is loaded from does not matter here: numbers in its place tell what became of which. One that is encoded
        // is not joined, as its codes and its scales lie apart.
        let mut numbered = program.clone();
        numbered.sources = (0..program.sources.len()).map(|index| Source::load(index.to_string())).collect();
        let fused = fuse_linears(numbered, |block, node| fits(block, node, joins));
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

    /// Has the signature of the Program that it was say where its parameters should lie.
    pub(crate) fn place(&self, signature: &mut Signature) {
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

/// Whether a linear layer may be joined with others.
fn fits(block: &Block, index: usize, joins: Joins) -> bool {
    let node = &block.nodes[index];
    // Each part is also an operand by itself, to a Program that joins nothing.
    let aligned = |value: &_| block.ty(*value).bytes().is_multiple_of(Buffer::ALIGNMENT);
    let plain = matches!(node.op, Op::Linear { activation: Activation::Keep });
    let followed = || {
        let follower = Uses::of(block).only_reader(index);
        follower.is_some_and(|(_, node)| matches!(node.op, Op::Gelu { form: GeluForm::Tanh }))
    };
    plain && node.inputs[1..].iter().all(aligned) && (joins == Joins::All || !followed())
}

/// Whether parts lie one after another: by what they lie in, their first byte there and their length.
pub(crate) fn side_by_side<S: PartialEq>(parts: impl IntoIterator<Item = (S, usize, usize)>) -> bool {
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

    /// A query, key and value of one row, and a hidden layer with its gelu.
    fn block(width: usize) -> Program {
        Program::trace("block", |scope| {
            let x = scope.input("x", TensorType::new(DType::F32, [4, 16]))?;
            let linear =
                |name: &str, width: usize| x.linear(&scope.child(name).param("weight", &[width, 16])?, None);
            let (q, k, v) = (linear("q", 16)?, linear("k", 16)?, linear("v", width)?);
            let hidden = linear("mlp", 32)?.gelu(GeluForm::Tanh)?;
            scope.output("y", &q.matmul(&k.transpose(&[1, 0])?)?.matmul(&v)?)?;
            scope.output("hidden", &hidden)
        })
        .unwrap_or_else(|error| panic!("{error}"))
    }

    fn parts(program: &Program, joins: Joins) -> Vec<Vec<usize>> {
        Joined::of(program, joins).map_or_else(Vec::new, |joined| joined.parts)
    }

    #[test]
    fn projections_are_joined_and_what_a_gelu_follows_is_not() {
        let program = block(32);
        assert_eq!(parts(&program, Joins::Projections), [vec![3], vec![0, 1, 2]]);
        assert_eq!(parts(&program, Joins::All), [vec![0, 1, 2, 3]]);
        assert!(Joined::of(&program, Joins::Off).is_none());
    }

    #[test]
    fn the_signature_stays_what_it_was_and_says_where_parts_lie() {
        let program = block(32);
        let mut signature = Signature::of(&program);
        let joined = Joined::of(&program, Joins::Projections).unwrap_or_else(|| panic!("nothing is joined"));
        joined.place(&mut signature);
        assert_eq!(signature, Signature::of(&program));
        let within: Vec<_> = signature.params.iter().map(|slot| slot.within.as_ref()).collect();
        let offsets: Vec<_> = within.iter().flatten().map(|within| (within.offset, within.bytes)).collect();
        assert_eq!(offsets, [(0, 4096), (1024, 4096), (2048, 4096)]);
        assert!(within[3].is_none());
    }

    #[test]
    fn a_part_that_would_not_be_aligned_stays_alone() {
        // A row of 8 columns is 32 bytes.
        let program = Program::trace("odd", |scope| {
            let x = scope.input("x", TensorType::new(DType::F32, [4, 8]))?;
            for (name, width) in [("a", 8), ("b", 9), ("c", 8)] {
                scope.output(name, &x.linear(&scope.child(name).param("weight", &[width, 8])?, None)?)?;
            }
            Ok(())
        });
        let program = program.unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(parts(&program, Joins::Projections), [vec![1], vec![0, 2]]);
    }

    #[test]
    fn parts_lie_side_by_side_or_not() {
        assert!(side_by_side([('a', 64, 64), ('a', 128, 8)]));
        assert!(!side_by_side([('a', 64, 64), ('a', 192, 8)]));
        assert!(!side_by_side([('a', 0, 64), ('b', 64, 8)]));
        assert!(side_by_side([('a', 7, 64)]));
    }
}
