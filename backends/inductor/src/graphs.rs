//! Runs of a package that are captured, by the memory that they are on.

use std::sync::Arc;
use tintype_accel::{Accelerator, Lease, LentWork, Replay, Result};

/// Runs on other memory that are kept.
const KEPT: usize = 4;

/// What a package's runs were captured as; the last used in front.
#[derive(Default)]
pub(crate) struct Graphs(Vec<Captured>);

/// Runs on certain memory, which is kept, so that an address never comes to mean another.
struct Captured {
    leases: [Vec<Lease>; 2],
    /// None where it has run once, which loads code and makes what libraries work in: a capture must not.
    graph: Option<Arc<dyn Replay>>,
}

impl Graphs {
    /// Runs `work`: as it is for the first time on this memory, captured for the second, and from then on replayed.
    pub(crate) fn run(
        &mut self,
        device: &dyn Accelerator,
        reads: Vec<Lease>,
        writes: Vec<Lease>,
        work: LentWork,
    ) -> Result<()> {
        let leases = [reads, writes];
        let [reads, writes] = &leases;
        match self.0.iter().position(|known| same(&known.leases, &leases)) {
            None => {
                device.lend(reads, writes, work)?;
                self.0.truncate(KEPT - 1);
                self.0.insert(0, Captured { leases, graph: None });
                Ok(())
            }
            Some(position) => {
                self.0[..=position].rotate_right(1);
                let Some(known) = self.0.first_mut() else { return device.lend(reads, writes, work) };
                let graph = match &known.graph {
                    Some(graph) => graph,
                    None => known.graph.insert(device.lend_captured(reads, writes, work)?),
                };
                graph.replay()
            }
        }
    }
}

fn same(one: &[Vec<Lease>; 2], other: &[Vec<Lease>; 2]) -> bool {
    one.iter().zip(other).all(|(one, other)| {
        one.len() == other.len()
            && one
                .iter()
                .zip(other)
                .all(|(one, other)| Arc::ptr_eq(&one.storage, &other.storage) && one.range == other.range)
    })
}
