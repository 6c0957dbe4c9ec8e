//! Programs that were traced, kept for who needs them next.

use super::step::StepShape;
use crate::Result;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tintype_models::flux::ConditioningSizes;
use tintype_program::{DType, Program};

/// How many Programs are kept: those of one run, and of one more.
const KEPT: usize = 12;

/// What a Program of a model is traced for.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Traced {
    Clip(DType),
    /// By tokens.
    T5(usize, DType),
    Conditioning(ConditioningSizes, DType),
    Step(StepShape),
    /// By rows and columns of latents.
    Decoder([usize; 2], DType),
    /// By rows and columns of latents.
    Encoder([usize; 2], DType),
}

/// The Programs of one model that were traced last. Whether a run fits is found out of the Programs that it then compiles.
#[derive(Default)]
pub(crate) struct Traces(Mutex<Vec<(Traced, Arc<Program>)>>);

impl Traces {
    /// The Program that is known by this, or what `trace` makes.
    pub(crate) fn find(&self, what: Traced, trace: impl FnOnce() -> Result<Program>) -> Result<Arc<Program>> {
        if let Some((_, program)) = self.known().iter().find(|(known, _)| *known == what) {
            return Ok(Arc::clone(program));
        }
        let program = Arc::new(trace()?);
        let mut known = self.known();
        if known.len() >= KEPT {
            known.remove(0);
        }
        known.push((what, Arc::clone(&program)));
        Ok(program)
    }

    fn known(&self) -> MutexGuard<'_, Vec<(Traced, Arc<Program>)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_is_traced_once_and_the_oldest_is_given_up() {
        let (traces, mut traced) = (Traces::default(), 0);
        let mut find = |tokens| {
            let trace = || {
                traced += 1;
                Ok(Program::trace("t5", |_| Ok(())).unwrap())
            };
            traces.find(Traced::T5(tokens, DType::F32), trace).unwrap();
            traced
        };
        assert_eq!((find(1), find(1), find(2)), (1, 1, 2));
        for tokens in 3..=KEPT + 1 {
            find(tokens);
        }
        assert_eq!((find(KEPT + 1), find(1)), (KEPT + 1, KEPT + 2));
    }
}
