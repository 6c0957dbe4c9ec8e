//! Attention and convolutions by cuDNN's graph API.

mod attention;
pub(crate) mod cache;
mod companions;
mod convolution;
mod descriptor;
mod graph;
mod place;
mod plan;
mod prepared;
mod table;
mod tensor;
mod values;

use crate::Stream;
use cache::Cache;
pub use companions::Companions;
use companions::functions;
use graph::Graph;
use place::{Held, Place};
use plan::{Plan, Target};
use prepared::Planned;
use std::collections::HashMap;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use table::Table;
use tintype_gpu::{Architecture, Attention, Convolution, LibraryOp, Offer};
use tintype_program::DType;

/// cuDNN on one device and one stream. A plan is made once for each operation, and kept in memory and on disk.
pub struct Dnn {
    inner: Arc<Inner>,
    cache: Option<Cache>,
    offers: Mutex<HashMap<LibraryOp, Offer>>,
    built: AtomicU64,
}

/// What plans share.
struct Inner {
    table: Arc<Table>,
    place: Place,
    version: usize,
    device: String,
}

impl Dnn {
    /// Looks the library's functions up. `path` is where the library was found and `device` the device's name, for messages and
    /// for the plans that are kept in `cache`. A handle is made when something is first prepared, which is why that must not
    /// happen while the stream is captured. The device's context is current whenever something is prepared, enqueued or
    /// dropped.
    pub fn open(
        library: &'static libloading::Library,
        path: &Path,
        companions: Companions,
        (device, architecture): (&str, &Architecture),
        stream: Stream,
        cache: Option<&Path>,
    ) -> Result<Self, String> {
        let (table, version) = functions(library, path, companions)?;
        let place = Place::device(&table, stream);
        let key = format!("{device} {} {}", architecture.name, architecture.multiprocessors);
        Ok(Self::new(table, version, place, (device, &key), cache))
    }

    /// Plans for a device that is described in cuDNN's own JSON and need not be there. They can be made, kept and looked at,
    /// not launched.
    pub fn deviceless(
        library: &'static libloading::Library,
        path: &Path,
        companions: Companions,
        json: &str,
        cache: Option<&Path>,
    ) -> Result<Self, String> {
        let (table, version) = functions(library, path, companions)?;
        let place = Place::paper(&table, json)?;
        Ok(Self::new(table, version, place, ("a device on paper", json), cache))
    }

    fn new(
        table: Arc<Table>,
        version: usize,
        place: Place,
        (device, key): (&str, &str),
        cache: Option<&Path>,
    ) -> Self {
        let setting = format!("cuDNN {} {key}", crate::table::version(version));
        let inner = Arc::new(Inner { table, place, version, device: device.into() });
        let cache = cache.map(|folder| Cache::new(folder, &setting));
        Self { inner, cache, offers: Mutex::default(), built: AtomicU64::new(0) }
    }

    /// The library's version, as `9.14.0`.
    pub fn version(&self) -> String {
        crate::table::version(self.inner.version)
    }

    /// Plans that were built since this was opened, rather than found.
    pub fn built(&self) -> u64 {
        self.built.load(Ordering::Relaxed)
    }

    /// Makes a plan for an attention, or says why the library does not take it. Every address of a launch must be a multiple of
    /// 16 bytes. May take a second.
    pub fn prepare_attention(&self, op: &Attention) -> Offer {
        let addresses = 4 + usize::from(op.mask.is_some());
        let scale = Some(f32::from_bits(op.scale));
        self.prepare(LibraryOp::Attention(op.clone()), addresses, scale, false, |table, version| {
            attention::graph(table, op, version)
        })
    }

    /// Makes a plan for a convolution, or says why the library does not take it. Every address of a launch must be a multiple
    /// of 16 bytes.
    pub fn prepare_convolution(&self, op: &Convolution) -> Offer {
        let exact = op.dtype == DType::F32 && !op.tf32;
        let addresses = 3 + usize::from(op.bias);
        self.prepare(LibraryOp::Convolution(op.clone()), addresses, None, exact, |table, _| {
            convolution::graph(table, op)
        })
    }

    fn prepare(
        &self,
        op: LibraryOp,
        addresses: usize,
        scale: Option<f32>,
        exact: bool,
        graph: impl FnOnce(&Arc<Table>, usize) -> Result<Graph, String>,
    ) -> Offer {
        // Held throughout, so that two who ask for one plan do not both build it; the handle's lock lets them do so
        // one after the other only.
        let mut offers = self.offers.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(offer) = offers.get(&op) {
            return offer.clone();
        }
        // A handle that could not be made now may be later: not an answer to keep.
        if let Place::Device(_) = self.inner.place {
            self.inner.handle()?;
        }
        let offer = graph(&self.inner.table, self.inner.version)
            .and_then(|graph| self.plan(&format!("{op:?}"), graph, exact))
            .map(|plan| {
                let name = format!("cuDNN {} {}", self.version(), plan.name());
                let inner = self.inner.clone();
                Arc::new(Planned { inner, name, plan, addresses, scale: scale.map(Box::new) }) as _
            });
        offers.insert(op, offer.clone());
        offer
    }

    /// Finds a plan or builds it.
    fn plan(&self, key: &str, graph: Graph, exact: bool) -> Result<Plan, String> {
        let table = &self.inner.table;
        let held: Held<'_>;
        let target = match &self.inner.place {
            Place::Paper(device) => Target::Described(device),
            Place::Device(_) => {
                held = self.inner.handle()?;
                Target::Handle(held.object())
            }
        };
        let kept = self.cache.as_ref().and_then(|cache| cache.get(key));
        // What the library does not take back is built again.
        if let Some(plan) = kept.and_then(|json| plan::reload(table, &json, target).ok()) {
            return Ok(plan);
        }
        let plan = plan::build(table, graph, target, exact)?;
        self.built.fetch_add(1, Ordering::Relaxed);
        if let Some(cache) = &self.cache {
            cache.put(key, &plan.json);
        }
        Ok(plan)
    }
}

impl Inner {
    fn handle(&self) -> Result<Held<'_>, String> {
        self.place.handle()
    }
}
