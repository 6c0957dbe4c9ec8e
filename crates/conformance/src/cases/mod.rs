//! The cases: every operation and dtype at odd shapes, and the ways in which Programs are put together.
//!
//! A case is a Program, a recipe for the content of its buffers, and a tolerance. Content is a function of the case's
//! name and of a round, so that a second run with other inputs or other weights is another round.

mod attention;
mod convolution;
mod data_movement;
mod elementwise;
mod encoded;
mod fill;
mod making;
mod matrix;
mod norms;
mod random;
mod reductions;
mod rim;
mod spatial;
mod states;
mod structure;
mod tolerance;
mod transformer;
mod views;

pub use fill::Fill;
pub use tolerance::{Tolerance, unit_roundoff};

use random::Random;
use std::collections::BTreeMap;
use tintype_program::{DType, Encoding, Program, Result, ValueId};

/// One Program to be run and held against the interpreter.
#[derive(Clone, Debug)]
pub struct Case {
    /// The operation, or the kind of composition, that it is about: a row of the report.
    pub group: &'static str,
    /// The dtype that it is about: a column of the report.
    pub dtype: DType,
    /// Its name, unlike any other's.
    pub name: String,
    /// The Program.
    pub program: Program,
    /// What inputs, parameters and states hold, where it is not the dtype's default.
    pub fills: BTreeMap<String, Fill>,
    /// How far its results may be from the interpreter's.
    pub tolerance: Tolerance,
}

impl Case {
    /// A case of a Program whose buffers hold what is usual for their dtypes. `detail` tells it apart from other cases
    /// of its group and dtype.
    pub fn new(
        group: &'static str,
        dtype: DType,
        detail: &str,
        program: Program,
        tolerance: Tolerance,
    ) -> Self {
        let name = format!("{group} {dtype} {detail}");
        Self { group, dtype, name, program, fills: BTreeMap::new(), tolerance }
    }

    /// The same case, with a buffer filled so.
    pub fn filled(mut self, name: &str, fill: Fill) -> Self {
        self.fills.insert(name.into(), fill);
        self
    }

    /// The inputs' content in a round, in the Program's order.
    pub fn inputs(&self, round: u64) -> Vec<(&str, Vec<u8>)> {
        let ports = self.program.entry().inputs.iter();
        ports.map(|p| (p.name.as_str(), self.content(&p.name, p.value, &Encoding::Plain, round))).collect()
    }

    /// The parameters' content in a round, in the Program's order: codes and scales where they are encoded.
    pub fn params(&self, round: u64) -> Vec<(&str, Vec<u8>)> {
        let params = self.program.entry().params.iter();
        params.map(|p| (p.name.as_str(), self.content(&p.name, p.value, &p.encoding, round))).collect()
    }

    /// What the states hold before the first run, in the Program's order.
    pub fn states(&self) -> Vec<(&str, Vec<u8>)> {
        let states = self.program.entry().states.iter();
        states.map(|s| (s.name.as_str(), self.content(&s.name, s.value, &Encoding::Plain, 0))).collect()
    }

    fn content(&self, name: &str, value: ValueId, encoding: &Encoding, round: u64) -> Vec<u8> {
        let mut random = Random::named(&format!("{} {name}", self.name), round);
        fill::fill(self.fills.get(name), self.program.entry().ty(value), encoding, &mut random)
    }
}

/// Every case, grouped.
pub fn all() -> Result<Vec<Case>> {
    let groups = [
        elementwise::cases,
        reductions::cases,
        data_movement::cases,
        matrix::cases,
        convolution::cases,
        attention::cases,
        norms::cases,
        spatial::cases,
        encoded::cases,
        views::cases,
        structure::cases,
        transformer::cases,
        states::cases,
        rim::cases,
    ];
    let cases: Result<Vec<Vec<Case>>> = groups.iter().map(|cases| cases()).collect();
    Ok(cases?.into_iter().flatten().collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::interpreter::{Bindings, Rounding, interpret_with};
    use std::collections::HashSet;
    use tintype_program::Op;

    #[test]
    fn names_differ() {
        let cases = all().unwrap();
        let names: HashSet<_> = cases.iter().map(|case| &case.name).collect();
        assert_eq!(names.len(), cases.len());
    }

    #[test]
    fn programs_survive_their_json_form() {
        for case in all().unwrap() {
            let json = case.program.to_json().unwrap();
            assert_eq!(Program::from_json(&json).unwrap(), case.program, "{}", case.name);
        }
    }

    #[test]
    fn every_operation_occurs() {
        let cases = all().unwrap();
        let blocks = cases.iter().flat_map(|case| &case.program.blocks);
        let names: HashSet<_> = blocks.flat_map(|block| &block.nodes).map(|node| variant(&node.op)).collect();
        assert_eq!(names.len(), 28, "{names:?}");
    }

    fn variant(op: &Op) -> std::mem::Discriminant<Op> {
        std::mem::discriminant(op)
    }

    /// An implementation that rounds each operation once passes, and most results differ from round to round.
    #[test]
    fn tolerances_admit_one_rounding_an_operation() {
        let mut unchanged = 0;
        let cases = all().unwrap();
        for case in &cases {
            let run = |round, rounding| {
                let buffers = [case.inputs(round), case.params(round), case.states()].concat();
                let buffers = buffers.iter().map(|(name, bytes)| (*name, bytes.as_slice()));
                let bindings = Bindings::from_bytes(&case.program, buffers).unwrap();
                interpret_with(&case.program, &bindings, rounding).unwrap()
            };
            let (want, got) = (run(0, Rounding::None), run(0, Rounding::Declared));
            let entry = case.program.entry();
            for port in &entry.outputs {
                let (want, got) = (&want.outputs[&port.name], &got.outputs[&port.name]);
                let largest =
                    want.data.iter().copied().filter(|x| x.is_finite()).fold(0.0, |m: f64, x| m.max(x.abs()));
                for (&want, &got) in want.data.iter().zip(&got.data) {
                    let fraction = case.tolerance.fraction(got, want, largest, entry.ty(port.value).dtype);
                    assert!(fraction <= 1.0, "{}: {got} {want} {fraction}", case.name);
                }
            }
            unchanged += usize::from(run(1, Rounding::None) == want);
        }
        println!("{} cases, {unchanged} the same in every round", cases.len());
        assert!(unchanged * 5 < cases.len(), "{unchanged} of {}", cases.len());
    }
}
