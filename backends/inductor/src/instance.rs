//! A Program that runs as packages, without weights and with.

use crate::chain::Chain;
use crate::code::Container;
use crate::ready::Clock;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, PoisonError};
use tintype_accel::{
    Accelerator, Bindings, Buffer, Counters, Error, Instance, LaunchMode, Lease, LentWork, Module, Replay,
    Replayed, Result, Signature, Stats, Storage, Weights, first_parts, raise,
};

/// A Program that runs as packages.
pub(crate) struct PackageModule {
    pub(crate) base: Arc<dyn Accelerator>,
    pub(crate) chain: Arc<Chain>,
    pub(crate) launch: LaunchMode,
    /// Whether there is attention in it.
    pub(crate) attends: bool,
    pub(crate) signature: Arc<Signature>,
    /// Where the packages are of joined products: of each of their parameters, the parameters of the signature that it is made of.
    pub(crate) parts: Option<Vec<Vec<usize>>>,
    pub(crate) counters: Arc<Counters>,
    pub(crate) clock: Arc<Clock>,
}

/// A parameter's memory, and its first byte there.
type Located = (Arc<dyn Storage>, usize);

/// Where the packages' parameters lie, by where those of the signature do. `parts` says of which each is made, where products are joined.
fn fitted(signature: &Signature, parts: Option<&[Vec<usize>]>, places: Vec<Located>) -> Result<Vec<Located>> {
    let Some(parts) = parts else { return Ok(places) };
    let place = |part: usize| {
        let ((storage, start), slot) = (places.get(part)?, signature.params.get(part)?);
        let bytes = slot.encoding.layout(&slot.ty).ok()?.bytes();
        Some((Arc::as_ptr(storage).cast::<()>(), *start, bytes))
    };
    let first = first_parts(parts, place).ok_or_else(|| Error::Unavailable {
        backend: "inductor".into(),
        reason: "the packages have queries, keys and values as one product, and these weights, which another Program has laid out, \
                 do not lie side by side"
            .into(),
        remedy: "Compile packages of all Programs of the model (`tintype aot compile`), or without --fuse-qkv".into(),
    })?;
    Ok(first.into_iter().filter_map(|part| places.get(part).cloned()).collect())
}

impl Module for PackageModule {
    fn signature(&self) -> &Arc<Signature> {
        &self.signature
    }

    fn arena_bytes(&self) -> usize {
        // libtorch's own, which it does not tell.
        0
    }

    fn attention(&self) -> Vec<String> {
        if self.attends { vec!["inductor".into()] } else { Vec::new() }
    }

    fn bind(&self, weights: &Arc<Weights>) -> Result<Box<dyn Instance>> {
        let places = self.signature.params.iter().map(|slot| {
            let (storage, offset) = weights.place(slot)?;
            Ok((Arc::clone(storage), offset))
        });
        let places = fitted(&self.signature, self.parts.as_deref(), places.collect::<Result<_>>()?)?;
        let params = places.into_iter().zip(&self.chain.params);
        let params =
            params.map(|((storage, offset), ty)| Lease { storage, range: offset..offset + ty.bytes() });
        let containers = self.clock.time(|ready| &mut ready.models, || self.chain.containers());
        let containers = containers.map_err(crate::Error::of_backend)?;
        Ok(Box::new(PackageInstance {
            base: Arc::clone(&self.base),
            chain: Arc::clone(&self.chain),
            launch: self.launch,
            signature: Arc::clone(&self.signature),
            params: params.collect(),
            _weights: Arc::clone(weights),
            containers: Arc::new(Mutex::new(containers)),
            counters: [Arc::clone(&self.counters), Arc::default()],
            clock: Arc::clone(&self.clock),
            is_warm: false,
            graphs: Vec::new(),
        }))
    }
}

/// Packages with weights.
struct PackageInstance {
    base: Arc<dyn Accelerator>,
    chain: Arc<Chain>,
    launch: LaunchMode,
    signature: Arc<Signature>,
    params: Vec<Lease>,
    /// Kept, so that what is bound stays.
    _weights: Arc<Weights>,
    /// One a run of a region.
    containers: Arc<Mutex<Vec<Container>>>,
    /// The device's, and this instance's.
    counters: [Arc<Counters>; 2],
    clock: Arc<Clock>,
    /// Whether the packages have run: what libraries do at the first run cannot be captured.
    is_warm: bool,
    /// By the buffers that they are of, the last used in front.
    graphs: Vec<Captured>,
}

/// A captured run. Keeps its buffers alive, so that a place never comes to mean another.
struct Captured {
    buffers: Vec<Lease>,
    graph: Box<dyn Replay>,
}

impl Captured {
    fn is_of(&self, buffers: &[Lease]) -> bool {
        let same = |(a, b): (&Lease, &Lease)| Arc::ptr_eq(&a.storage, &b.storage) && a.range == b.range;
        self.buffers.len() == buffers.len() && self.buffers.iter().zip(buffers).all(same)
    }
}

impl PackageInstance {
    /// How many runs on other buffers an instance keeps captured.
    const KEPT: usize = 4;

    /// What is done with lent memory.
    fn work(&self) -> LentWork {
        let (containers, chain) = (Arc::clone(&self.containers), Arc::clone(&self.chain));
        let device = self.base.device().label();
        Box::new(move |lent| {
            let mut containers = containers.lock().unwrap_or_else(PoisonError::into_inner);
            chain
                .run(&mut containers, lent)
                .map_err(|reason| Error::Device { device: device.clone(), reason })
        })
    }

    /// Enqueues what was captured on these buffers, which it is by its first run.
    fn replay(&mut self, reads: &[Lease], writes: &[Lease]) -> Result<()> {
        let buffers = [reads, writes].concat();
        match self.graphs.iter().position(|captured| captured.is_of(&buffers)) {
            Some(found) => self.graphs[..=found].rotate_right(1),
            None => {
                let graph = self.base.capture(reads, writes, self.work())?;
                self.graphs.truncate(Self::KEPT - 1);
                self.graphs.insert(0, Captured { buffers, graph });
            }
        }
        let Some(captured) = self.graphs.first() else { return Ok(()) };
        let Replayed { captures, replays, fallbacks } = captured.graph.replay()?;
        self.count(|counters| &counters.captures, captures);
        self.count(|counters| &counters.replays, replays);
        self.count(|counters| &counters.fallbacks, fallbacks);
        Ok(())
    }

    fn count(&self, counter: impl Fn(&Counters) -> &AtomicU64, by: u64) {
        self.counters.iter().for_each(|counters| raise(counter(counters), by));
    }
}

impl Instance for PackageInstance {
    fn run(&mut self, bindings: &mut Bindings) -> Result<()> {
        bindings.expect(&self.signature)?;
        let complete = bindings.complete()?;
        let leases = |buffers: &[&Buffer]| buffers.iter().map(|buffer| Lease::of(buffer)).collect::<Vec<_>>();
        let reads = [leases(&complete.inputs), self.params.clone()].concat();
        let writes = [leases(&complete.outputs), leases(&complete.states)].concat();
        if self.launch == LaunchMode::Graph && self.is_warm {
            self.replay(&reads, &writes)?;
        } else if self.is_warm {
            self.base.lend(&reads, &writes, self.work())?;
        } else {
            let (base, work) = (&self.base, self.work());
            self.clock.time(|ready| &mut ready.first_runs, || base.lend(&reads, &writes, work))?;
            self.is_warm = true;
        }
        self.count(|counters| &counters.runs, 1);
        self.count(|counters| &counters.launches, self.chain.runs() as u64);
        Ok(())
    }

    fn stats(&self) -> Stats {
        self.counters[1].snapshot()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use tintype_accel::{Driver, Joined, OpenOptions, Purpose};
    use tintype_program::{DType, Program, TensorType};

    #[test]
    fn joined_weights_are_found_side_by_side_and_told_where_they_are_not() {
        let program = Program::trace("qkv", |scope| {
            let x = scope.input("x", TensorType::new(DType::F32, [4, 16]))?;
            for name in ["q", "k", "v"] {
                scope.output(name, &x.linear(&scope.child(name).param("weight", &[16, 16])?, None)?)?;
            }
            Ok(())
        });
        let program = program.unwrap();
        let joined = Joined::projections(&program).unwrap();
        let signature = Signature::of(&program);
        let device = tintype_cpu::CpuDriver::default().open(0, &OpenOptions::default()).unwrap();
        let whole = device.allocate(3072, Purpose::Weights).unwrap();
        let at = |offset| (Arc::clone(&whole), offset);
        let fit = |places| fitted(&signature, Some(&joined.parts), places);
        let found = fit(vec![at(0), at(1024), at(2048)]).unwrap();
        assert!(matches!(&found[..], [(storage, 0)] if Arc::ptr_eq(storage, &whole)));
        let alone = device.allocate(1024, Purpose::Weights).unwrap();
        let told = fit(vec![at(0), (alone, 0), at(2048)]).err().unwrap().to_string();
        assert!(told.contains("side by side") && told.contains("without --fuse-qkv"), "{told}");
    }
}
