//! Weights on a device: loaded once, shared by every module that reads them, writable in place.

use crate::evaluate::{Failure, evaluate};
use crate::loading::Loading;
use crate::{Accelerator, Error, HostBytes, ParamSlot, Result, Storage, TensorSource};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// A set of weights on one device. Storages stay where they are for the set's whole life; a write changes their
/// content, ordered with the device's queue, and raises the weight's generation.
pub struct Weights {
    accelerator: Arc<dyn Accelerator>,
    entries: HashMap<String, Weight>,
    /// How many writes there were, to any weight.
    writes: AtomicU64,
    /// By weight and kind.
    derived: Mutex<HashMap<(String, String), Derived>>,
}

/// What was made from a weight, and from which generation of it.
struct Derived {
    generation: u64,
    storage: Arc<dyn Storage>,
}

struct Weight {
    slot: ParamSlot,
    storage: Arc<dyn Storage>,
    /// Where it starts in the storage: not at 0 where it shares the storage with others.
    offset: usize,
    generation: AtomicU64,
}

/// Bytes that are handed to the device at once: enough that a plugin's threads have no end of a weight to wait for, and no
/// more than may be in memory twice where a weight is converted on its way.
const TOGETHER: usize = 512 << 20;

/// What becomes of checkpoint tensors that no parameter reads.
pub type MayIgnore<'a> = &'a dyn Fn(&str) -> bool;

impl Weights {
    /// Evaluates the sources of `params` and puts the results on the device. Parameters that several modules declare
    /// alike are loaded once. `progress` is told how many of how many bytes are there: 0 at first, then whenever many went to
    /// the device together.
    ///
    /// Every missing, misshapen or unused tensor is an error; `may_ignore` names those that a model is known to leave.
    pub fn load<'p>(
        accelerator: &Arc<dyn Accelerator>,
        params: impl IntoIterator<Item = &'p ParamSlot>,
        checkpoint: &dyn TensorSource,
        may_ignore: MayIgnore<'_>,
        progress: &mut dyn FnMut(u64, u64),
    ) -> Result<Arc<Self>> {
        let slots = distinct(params, checkpoint)?;
        check_names(&slots, checkpoint, may_ignore)?;
        let size =
            |slot: &ParamSlot| slot.encoding.layout(&slot.ty).map_or(0, |layout| layout.bytes() as u64);
        let total = slots.values().map(|slot| size(slot)).sum();
        progress(0, total);
        let mut loading = Loading::new(accelerator);
        let (mut held, mut done) = (0, 0);
        let mut slots = slots.into_iter().peekable();
        while let Some((name, slot)) = slots.next() {
            let bytes = evaluate(slot, checkpoint).map_err(|failure| explain(failure, name, checkpoint))?;
            held += bytes.len();
            done += size(slot);
            loading.take(slot, bytes)?;
            if slots.peek().is_none() || held >= TOGETHER {
                loading.put()?;
                progress(done, total);
                held = 0;
            }
        }
        let entries = loading.loaded.into_iter().map(|(slot, storage, offset)| {
            let weight = Weight { slot: slot.clone(), storage, offset, generation: AtomicU64::new(0) };
            (slot.name.clone(), weight)
        });
        let entries = entries.collect();
        let (accelerator, writes) = (Arc::clone(accelerator), AtomicU64::new(0));
        Ok(Arc::new(Self { accelerator, entries, writes, derived: Mutex::default() }))
    }

    /// The device that they are on.
    pub fn accelerator(&self) -> &Arc<dyn Accelerator> {
        &self.accelerator
    }

    /// The memory of a parameter, for a module that declares it as `slot` does. Refused where it shares memory with others, as
    /// it does on the device of a plugin that asked for that; [`Weights::place`] says where there.
    pub fn resolve(&self, slot: &ParamSlot) -> Result<&Arc<dyn Storage>> {
        match self.place(slot)? {
            (storage, 0) => Ok(storage),
            (_, offset) => Err(Error::Binding {
                role: "parameter",
                name: slot.name.clone(),
                wanted: "memory of its own".into(),
                given: format!("byte {offset} on of memory that it shares"),
            }),
        }
    }

    /// The memory that a parameter lies in and its first byte there, for a module that declares it as `slot` does.
    pub fn place(&self, slot: &ParamSlot) -> Result<(&Arc<dyn Storage>, usize)> {
        let refuse = |given: String| Error::Binding {
            role: "parameter",
            name: slot.name.clone(),
            wanted: format!("{} {:?} from {:?}", slot.ty, slot.encoding, slot.source),
            given,
        };
        match self.entries.get(&slot.name) {
            Some(weight) if weight.slot == *slot => Ok((&weight.storage, weight.offset)),
            Some(Weight { slot, .. }) => {
                Err(refuse(format!("{} {:?} from {:?}", slot.ty, slot.encoding, slot.source)))
            }
            None => Err(refuse("nothing".into())),
        }
    }

    /// The names of the weights, sorted.
    pub fn names(&self) -> Vec<&str> {
        let mut names: Vec<_> = self.entries.keys().map(String::as_str).collect();
        names.sort_unstable();
        names
    }

    /// How the parameter of this name is declared.
    pub fn slot(&self, name: &str) -> Option<&ParamSlot> {
        self.entries.get(name).map(|weight| &weight.slot)
    }

    /// How often a weight has been written. `None` where there is none of this name.
    pub fn generation(&self, name: &str) -> Option<u64> {
        self.entries.get(name).map(|weight| weight.generation.load(Ordering::Acquire))
    }

    /// How often any weight of the set has been written: while it stays, so does every weight's generation.
    pub fn writes(&self) -> u64 {
        self.writes.load(Ordering::Acquire)
    }

    /// Writes a weight in place: bytes as its type and encoding say. Runs enqueued before read the old content, runs
    /// enqueued after the new; nothing is recompiled.
    pub fn write(&self, name: &str, bytes: impl Into<HostBytes>) -> Result<()> {
        let bytes = bytes.into();
        let refuse = |wanted: String| Error::Binding {
            role: "parameter",
            name: name.into(),
            wanted,
            given: format!("{} bytes", bytes.len()),
        };
        let weight = self.entries.get(name).ok_or_else(|| refuse("not there".into()))?;
        let layout = weight.slot.encoding.layout(&weight.slot.ty).map_err(refuse)?;
        if bytes.len() != layout.bytes() {
            return Err(refuse(format!("{} bytes of {}", layout.bytes(), weight.slot.ty)));
        }
        self.accelerator.upload(&weight.storage, weight.offset, bytes.clone())?;
        weight.generation.fetch_add(1, Ordering::AcqRel);
        self.writes.fetch_add(1, Ordering::AcqRel);
        Ok(())
    }

    /// What a plugin derives from a weight (packed panels, another layout), made by `make` once a generation and kept.
    /// `kind` tells apart what is derived from one weight. `make` allocates with [`crate::Purpose::Derived`], so that it is
    /// counted. It is given the weight and, where there is one, an older generation's storage: if it enqueues the work
    /// to remake that in place and gives it back, whoever has captured its address need not capture again; if it gives
    /// another, the older one is let go. Nothing is derived from a weight that shares its memory with others.
    pub fn derive(
        &self,
        name: &str,
        kind: &str,
        make: impl FnOnce(&Arc<dyn Storage>, Option<&Arc<dyn Storage>>) -> Result<Arc<dyn Storage>>,
    ) -> Result<Arc<dyn Storage>> {
        let refuse = |wanted: &str, given: &str| Error::Binding {
            role: "parameter",
            name: name.into(),
            wanted: wanted.into(),
            given: given.into(),
        };
        let weight = self.entries.get(name).ok_or_else(|| refuse("not there", "nothing"))?;
        if weight.slot.within.is_some() {
            return Err(refuse("memory of its own", "memory that it shares"));
        }
        let generation = weight.generation.load(Ordering::Acquire);
        let mut derived = self.derived.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (name.to_string(), kind.to_string());
        let known = derived.get(&key);
        if let Some(known) = known.filter(|known| known.generation == generation) {
            return Ok(Arc::clone(&known.storage));
        }
        let storage = make(&weight.storage, known.map(|known| &known.storage))?;
        derived.insert(key, Derived { generation, storage: Arc::clone(&storage) });
        Ok(storage)
    }
}

/// Parameters by name; a name declared in two ways is refused.
fn distinct<'p>(
    params: impl IntoIterator<Item = &'p ParamSlot>,
    checkpoint: &dyn TensorSource,
) -> Result<BTreeMap<&'p str, &'p ParamSlot>> {
    let mut slots: BTreeMap<&str, &ParamSlot> = BTreeMap::new();
    for slot in params {
        let known = slots.entry(&slot.name).or_insert(slot);
        if *known != slot {
            return Err(Error::Weight {
                name: slot.name.clone(),
                origin: checkpoint.origin(),
                reason: format!("two modules declare it, as {} and as {}", known.ty, slot.ty),
            });
        }
        if known.within.is_none() {
            *known = slot;
        }
    }
    Ok(slots)
}

/// Refuses a checkpoint that lacks tensors, or that holds others. All are found before any is read.
fn check_names(
    slots: &BTreeMap<&str, &ParamSlot>,
    checkpoint: &dyn TensorSource,
    may_ignore: MayIgnore<'_>,
) -> Result<()> {
    let held: BTreeSet<String> = checkpoint.names().into_iter().collect();
    let mut wanted = BTreeSet::new();
    for slot in slots.values() {
        slot.source.for_each_name(&mut |name| {
            wanted.insert(name);
        });
    }
    let missing: Vec<_> = wanted.iter().filter(|name| !held.contains(**name)).copied().collect();
    let unused: Vec<_> = held.iter().map(String::as_str).filter(|name| !wanted.contains(name)).collect();
    let unused: Vec<_> = unused.into_iter().filter(|name| !may_ignore(name)).collect();
    if !missing.is_empty() {
        return Err(Error::MissingWeights {
            origin: checkpoint.origin(),
            count: missing.len(),
            names: list(&missing, &unused),
        });
    }
    if !unused.is_empty() {
        return Err(Error::UnusedWeights {
            origin: checkpoint.origin(),
            count: unused.len(),
            names: list(&unused, &[]),
        });
    }
    Ok(())
}

/// The first few names; behind each the most alike of `others`, which a renamed or misspelt tensor would be.
fn list(names: &[&str], others: &[&str]) -> String {
    const SHOWN: usize = 5;
    let mut shown: Vec<String> = Vec::new();
    for name in names.iter().take(SHOWN) {
        let near = others.iter().max_by_key(|other| common_ends(name, other));
        let near = near.filter(|other| 2 * common_ends(name, other) >= name.len());
        shown
            .push(near.map_or_else(|| format!("`{name}`"), |other| format!("`{name}` (there is `{other}`)")));
    }
    if names.len() > SHOWN {
        shown.push(format!("and {} more", names.len() - SHOWN));
    }
    shown.join(", ")
}

/// How many bytes two names share at their starts and ends.
fn common_ends(a: &str, b: &str) -> usize {
    let most = a.len().min(b.len());
    let head = a.bytes().zip(b.bytes()).take_while(|(x, y)| x == y).count();
    let tail = a.bytes().rev().zip(b.bytes().rev()).take_while(|(x, y)| x == y).count();
    (head + tail).min(most)
}

fn explain(failure: Failure, param: &str, checkpoint: &dyn TensorSource) -> Error {
    let origin = checkpoint.origin();
    match failure {
        Failure::Missing(name) => Error::MissingWeights { origin, count: 1, names: format!("`{name}`") },
        Failure::Unfit(name, reason) => {
            Error::Weight { name: name.unwrap_or_else(|| param.to_string()), origin, reason }
        }
    }
}
