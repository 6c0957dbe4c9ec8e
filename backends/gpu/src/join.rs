//! Which linear layers that read the same rows become one product.

use std::str::FromStr;
use tintype_accel::Joined;
use tintype_program::Program;

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

impl Joins {
    /// A Program with its products joined; none where there is nothing to join.
    pub(crate) fn join(self, program: &Program) -> Option<Joined> {
        match self {
            Joins::Off => None,
            Joins::Projections => Joined::projections(program),
            Joins::All => Joined::of(program, |_, _| true),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tintype_program::{DType, GeluForm, TensorType};

    #[test]
    fn projections_are_joined_and_what_a_gelu_follows_is_not() {
        // A query, key and value of one row, and a hidden layer with its gelu.
        let program = Program::trace("block", |scope| {
            let x = scope.input("x", TensorType::new(DType::F32, [4, 16]))?;
            let linear =
                |name: &str, width: usize| x.linear(&scope.child(name).param("weight", &[width, 16])?, None);
            let (q, k, v) = (linear("q", 16)?, linear("k", 16)?, linear("v", 32)?);
            let hidden = linear("mlp", 32)?.gelu(GeluForm::Tanh)?;
            scope.output("y", &q.matmul(&k.transpose(&[1, 0])?)?.matmul(&v)?)?;
            scope.output("hidden", &hidden)
        });
        let program = program.unwrap_or_else(|error| panic!("{error}"));
        let parts = |joins: Joins| joins.join(&program).map(|joined| joined.parts);
        assert_eq!(parts(Joins::Projections), Some(vec![vec![3], vec![0, 1, 2]]));
        assert_eq!(parts(Joins::All), Some(vec![vec![0, 1, 2, 3]]));
        assert!(parts(Joins::Off).is_none());
    }
}
