//! Packages that run one after another in the place of one Program.

use crate::Result;
use crate::code::{Code, Container, Rim};
use crate::tensor::{Place, Tensor};
use std::ffi::c_void;
use std::ptr;
use std::sync::Arc;
use tintype_accel::Lent;
use tintype_program::passes::{Operand, Regions};
use tintype_program::{Program, TensorType};

/// The packages of a Program's regions, and the order of their runs.
pub(crate) struct Chain {
    /// By region.
    codes: Vec<Arc<Code>>,
    rims: Vec<Arc<Rim>>,
    regions: Regions,
    /// Of the Program: inputs, then states.
    arguments: Vec<TensorType>,
    /// As they are stored.
    pub(crate) params: Vec<TensorType>,
    inputs: usize,
    /// The last run that reads each made value; none where the Program gives it.
    last: Vec<Option<usize>>,
    pub(crate) place: Place,
}

impl Chain {
    /// `codes` by region, which have the very Programs of the regions.
    pub(crate) fn new(
        program: &Program,
        regions: Regions,
        codes: Vec<Arc<Code>>,
        place: Place,
    ) -> std::result::Result<Self, String> {
        let rim = Rim::of(program)?;
        let rims = regions.regions.iter().map(|region| Rim::of(&region.program).map(Arc::new));
        let rims = rims.collect::<std::result::Result<_, String>>()?;
        let mut last = vec![None; regions.made.len()];
        for (index, run) in regions.runs.iter().enumerate() {
            for operand in &run.arguments {
                if let Operand::Made(slot) = *operand
                    && let Some(last) = last.get_mut(slot)
                {
                    *last = Some(index);
                }
            }
        }
        for &slot in regions.outputs.iter().chain(regions.states.iter().flatten()) {
            if let Some(last) = last.get_mut(slot) {
                *last = None;
            }
        }
        let inputs = program.entry().inputs.len();
        Ok(Self { codes, rims, regions, arguments: rim.arguments, params: rim.params, inputs, last, place })
    }

    /// A container for each run: each has weights of its own.
    pub(crate) fn containers(&self) -> Result<Vec<Container>> {
        let of = |region: usize| self.codes.get(region).zip(self.rims.get(region));
        let all = self.regions.runs.iter().filter_map(|run| of(run.region));
        all.map(|(code, rim)| Container::new(Arc::clone(code), Arc::clone(rim), self.place)).collect()
    }

    /// How many packages run.
    pub(crate) fn runs(&self) -> usize {
        self.regions.runs.len()
    }

    /// Runs all on lent memory: inputs, then parameters, to read; outputs, then states, to write.
    pub(crate) fn run(
        &self,
        containers: &mut [Container],
        lent: &Lent<'_>,
    ) -> std::result::Result<(), String> {
        let (given, weights) = lent.reads.split_at_checked(self.inputs).ok_or("memory is missing")?;
        let outputs = self.regions.outputs.len();
        let states = lent.writes.get(outputs..).ok_or("memory of results is missing")?;
        let given: Vec<*const c_void> =
            given.iter().copied().chain(states.iter().map(|state| state.cast_const())).collect();
        let mut made: Vec<Option<Tensor>> = self.regions.made.iter().map(|_| None).collect();
        for (index, (run, container)) in self.regions.runs.iter().zip(containers).enumerate() {
            let code = self.codes.get(run.region).ok_or("a package is missing")?;
            let rim = self.rims.get(run.region).ok_or("a package is missing")?;
            let mut arguments = Vec::with_capacity(run.arguments.len());
            for operand in &run.arguments {
                let over = |place: Option<&*const c_void>, ty: Option<&TensorType>| {
                    let (data, ty) = place.zip(ty).ok_or("an operand is missing")?;
                    Tensor::over(&code.torch, *data, ty, self.place)
                };
                arguments.push(match *operand {
                    Operand::Argument(at) => over(given.get(at), self.arguments.get(at))?,
                    Operand::Param(at) => over(weights.get(at), self.params.get(at))?,
                    Operand::Made(slot) => made
                        .get(slot)
                        .and_then(Option::as_ref)
                        .ok_or("a region's result is missing")?
                        .again()?,
                });
            }
            let params: Vec<_> = run.params.iter().filter_map(|&at| weights.get(at).copied()).collect();
            let results = container.run(arguments, &params, lent.stream)?;
            for ((&slot, tensor), ty) in run.results.iter().zip(results).zip(&rim.results) {
                // Seen to be what the next region reads, or what is copied out.
                tensor.data(ty)?;
                if let Some(place) = made.get_mut(slot) {
                    *place = Some(tensor);
                }
            }
            // Memory that nobody reads any more is libtorch's again.
            for (tensor, last) in made.iter_mut().zip(&self.last) {
                if *last == Some(index) {
                    *tensor = None;
                }
            }
        }
        let results =
            self.regions.outputs.iter().map(|&slot| Some(slot)).chain(self.regions.states.iter().copied());
        for (slot, &target) in results.zip(lent.writes) {
            let Some(slot) = slot else { continue };
            let tensor = made.get(slot).and_then(Option::as_ref).ok_or("a result is missing")?;
            let ty = self.regions.made.get(slot).ok_or("a result has no type")?;
            let data = tensor.data(ty)?;
            match lent.copy {
                _ if ty.bytes() == 0 => {}
                Some(copy) => copy(target, data, ty.bytes()).map_err(|error| error.to_string())?,
                // SAFETY: the tensor has the type's elements in row-major order, as was just seen; the target has room for
                // them, since its buffer is of this type, and is memory of ours, which libtorch's own does not overlap.
                None => unsafe {
                    ptr::copy_nonoverlapping(data.cast::<u8>(), target.cast::<u8>(), ty.bytes())
                },
            }
        }
        Ok(())
    }
}
