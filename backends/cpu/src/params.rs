//! An instance's parameters: as they were bound, or packed once for every instance that takes them so.

use crate::compile::{BlockPlan, Packing};
use crate::context::Context;
use crate::memory::{Access, CpuStorage, HostMemory};
use crate::run;
use std::sync::Arc;
use tintype_accel::{ParamSlot, Purpose, Result, Signature, Storage, Weights};

/// The parameters of an instance.
pub(crate) struct Params {
    weights: Arc<Weights>,
    /// As bound.
    bound: Vec<Arc<HostMemory>>,
    /// As the plan reads them.
    read: Arc<[Arc<HostMemory>]>,
    packed: Vec<(usize, Packing)>,
    /// How many writes of the set the packed copies know of.
    known: u64,
}

impl Params {
    /// Finds the parameters, and has those packed that the plan takes packed and that no other instance had.
    pub(crate) fn new(
        context: &Context,
        signature: &Signature,
        plan: &BlockPlan,
        weights: &Arc<Weights>,
    ) -> Result<Self> {
        let own =
            |slot: &ParamSlot| context.own("parameter", &slot.name, weights.resolve(slot)?).map(Arc::clone);
        let bound = signature.params.iter().map(own).collect::<Result<Vec<_>>>()?;
        let packs = plan.packs.iter().enumerate();
        let packed = packs.filter_map(|(position, packing)| Some((position, (*packing)?))).collect();
        let (weights, read) = (Arc::clone(weights), bound.clone().into());
        let mut params = Self { known: weights.writes(), weights, bound, read, packed };
        params.derive(context, signature)?;
        Ok(params)
    }

    /// As the plan reads them.
    pub(crate) fn read(&self) -> &Arc<[Arc<HostMemory>]> {
        &self.read
    }

    /// Whether memory is that of a parameter.
    pub(crate) fn contain(&self, memory: &Arc<HostMemory>) -> bool {
        self.bound.iter().chain(&*self.read).any(|param| Arc::ptr_eq(param, memory))
    }

    /// Has packed copies remade of weights that were written. Says whether any now lies elsewhere.
    pub(crate) fn refresh(&mut self, context: &Context, signature: &Signature) -> Result<bool> {
        let writes = self.weights.writes();
        if writes == self.known {
            return Ok(false);
        }
        let moved = self.derive(context, signature)?;
        // What was written since the look above is seen at the next run.
        self.known = writes;
        Ok(moved)
    }

    fn derive(&mut self, context: &Context, signature: &Signature) -> Result<bool> {
        let mut read = None;
        for &(position, packing) in &self.packed {
            let Some(slot) = signature.params.get(position) else { continue };
            let make = |weight: &Arc<dyn Storage>, old: Option<&Arc<dyn Storage>>| {
                pack(context, slot, packing, weight, old)
            };
            let storage = self.weights.derive(&slot.name, packing.name(), make)?;
            let memory = context.own("packed parameter", &slot.name, &storage)?;
            if !Arc::ptr_eq(memory, &self.read[position]) {
                read.get_or_insert_with(|| self.read.to_vec())[position] = Arc::clone(memory);
            }
        }
        let moved = read.is_some();
        if let Some(read) = read {
            self.read = read.into();
        }
        Ok(moved)
    }
}

/// Enqueues the packing of a weight, behind whatever was enqueued to write it; into its older copy where there is one.
fn pack(
    context: &Context,
    slot: &ParamSlot,
    packing: Packing,
    weight: &Arc<dyn Storage>,
    old: Option<&Arc<dyn Storage>>,
) -> Result<Arc<dyn Storage>> {
    let weight = Arc::clone(context.own("parameter", &slot.name, weight)?);
    let bytes = packing.bytes(context.level, &slot.ty);
    let packed = match old {
        Some(old) => Arc::clone(context.own("packed parameter", &slot.name, old)?),
        None => context.allocate(bytes, Purpose::Derived)?,
    };
    let storage = old.map_or_else(|| CpuStorage::of(Arc::clone(&packed)), Arc::clone);
    let (ty, level, description) = (slot.ty.clone(), context.level, context.description());
    // Always: should a write before it be dropped, the copy is still one of what the weight holds.
    context.queue.enqueue_always(Box::new(move |owner| {
        let (to, from) = ([(&packed, 0..packed.bytes())], [(&weight, 0..weight.bytes())]);
        let explain = |refusal| description.explain(refusal);
        let (mut access, to, from) = Access::open(owner, &to, &from).map_err(explain)?;
        let (from, mut to) = access.slices(&from, &to).map_err(explain)?;
        match (&from[..], &mut to[..]) {
            ([from], [to]) => run::pack(packing, level, &ty, from, to),
            _ => Err("it has no memory".into()),
        }
        .map_err(|reason| description.internal(format!("packing a weight: {reason}")))
    }));
    Ok(storage)
}
