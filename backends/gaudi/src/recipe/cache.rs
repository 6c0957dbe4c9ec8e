//! Recipes by what they compute.

use super::{Disk, Recipe, build, load};
use crate::device::Acquired;
use crate::graph::Graph;
use crate::kernels::libraries;
use crate::sys::file_version;
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use std::sync::Arc;
use tintype_accel::{Counters, Error, Result, raise};

/// The version of this plugin's lowering: recipes made by another are not taken from disk.
const LOWERING: u32 = 5;

/// What a recipe is told apart by: its graph, the type of device, and the library. The graph follows from the block's
/// hash and the rules of lowering, so equal blocks have equal keys.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Key(String);

impl Key {
    /// The key of a block by its hash, lowered by rules that `rules` says.
    pub(crate) fn new(block: &str, rules: &str, device: &Acquired) -> Self {
        let version = &device.runtime.synapse.version;
        Self::of(&format!("{LOWERING}\n{block}\n{rules}\n{}\n{version}", device.kind.name()))
    }

    fn of(text: &str) -> Self {
        let digest = Sha256::digest(text.as_bytes());
        Self(digest.iter().map(|byte| format!("{byte:02x}")).collect())
    }

    /// The key of this block's graph on disk, where kernels of others are told apart as well: their params are made by
    /// whoever registers them, and their libraries are written anew.
    fn on_disk(&self, graph: &Graph) -> Self {
        if graph.kernels.is_empty() {
            return self.clone();
        }
        let of_others = graph.nodes.iter().filter(|node| graph.kernels.contains(&node.guid));
        let params: Vec<_> = of_others.map(|node| &node.params).collect();
        let libraries: Vec<_> =
            libraries().iter().map(|file| format!("{} {}", file.display(), file_version(file))).collect();
        Self::of(&format!("{}\n{params:?}\n{libraries:?}", self.0))
    }

    #[cfg(test)]
    pub(super) fn named(name: &str) -> Self {
        Self(name.into())
    }

    pub(crate) fn name(&self) -> &str {
        &self.0
    }
}

/// Recipes in memory, and behind them those on disk. They are kept as long as the device is open: what is on the stream uses
/// them, and a pipeline has some dozens.
pub(crate) struct Recipes {
    kept: HashMap<Key, Option<Arc<Recipe>>>,
    disk: Option<Disk>,
}

impl Recipes {
    pub(crate) fn new(disk: Option<Disk>) -> Self {
        Self { kept: HashMap::new(), disk }
    }

    /// A recipe: from memory, from disk, or compiled. None where the graph does nothing.
    pub(crate) fn get(
        &mut self,
        device: &Arc<Acquired>,
        key: &Key,
        name: &str,
        counters: &Counters,
        graph: impl FnOnce() -> Result<Graph>,
    ) -> Result<Option<Arc<Recipe>>> {
        if let Some(recipe) = self.kept.get(key) {
            raise(&counters.cache_hits, 1);
            return Ok(recipe.clone());
        }
        let graph = graph()?;
        let on_disk = key.on_disk(&graph);
        let recipe = if graph.nodes.is_empty() {
            None
        } else if let Some(found) = self.stored(device, &on_disk, &graph) {
            raise(&counters.cache_hits, 1);
            Some(found)
        } else {
            let built = build(device, &graph, name).map_err(|fault| Error::Device {
                device: device.label.clone(),
                reason: format!("compiling block `{name}`{}: {fault}", of_others(&graph)),
            })?;
            raise(&counters.compiles, 1);
            if let Some(disk) = &self.disk {
                // Without a cache the next process compiles again, and that is all.
                disk.store(&on_disk, |file| built.save(file).map_err(|fault| fault.to_string()))
                    .unwrap_or_else(|reason| tracing::warn!("recipe cache: {reason}"));
            }
            Some(Arc::new(built))
        };
        self.kept.insert(key.clone(), recipe.clone());
        Ok(recipe)
    }

    fn stored(&self, device: &Arc<Acquired>, key: &Key, graph: &Graph) -> Option<Arc<Recipe>> {
        let disk = self.disk.as_ref()?;
        let found = disk.find(key, |file| load(device, graph, file).map_err(|fault| fault.to_string()));
        match found {
            Ok(found) => found.map(Arc::new),
            Err(reason) => {
                tracing::warn!("recipe cache: {reason}");
                None
            }
        }
    }
}

/// The kernels of others in a graph, and where they are looked for: what may be missing where it does not compile.
fn of_others(graph: &Graph) -> String {
    if graph.kernels.is_empty() {
        return String::new();
    }
    let libraries = libraries().into_iter().map(|file| match file.is_file() {
        true => file.display().to_string(),
        false => format!("{}, which is not there", file.display()),
    });
    let libraries = match &libraries.collect::<Vec<_>>()[..] {
        [] => "it names none".into(),
        libraries => libraries.join("; "),
    };
    format!(", with {} of the libraries that GC_KERNEL_PATH names ({libraries})", graph.kernels.join(", "))
}
