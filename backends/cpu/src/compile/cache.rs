//! Compiled blocks by what they compute.

use super::packing::Packs;
use super::plan::BlockPlan;
use std::collections::HashMap;
use std::sync::Arc;
use tintype_accel::LaunchMode;
use tintype_program::BlockHash;

/// What tells compiled blocks apart: the block's hash after this plugin's passes, which act on each block by itself, so
/// that a block keeps its hash whatever else of its Program changes; the launch mode; and which parameters it takes packed.
pub(super) type Key = (BlockHash, LaunchMode, Packs);

/// Compiled blocks, the least recently used let go beyond a number.
pub(crate) struct Cache {
    plans: HashMap<Key, (Arc<BlockPlan>, u64)>,
    most: usize,
    uses: u64,
}

impl Cache {
    /// A cache of at most so many blocks.
    pub(crate) fn new(most: usize) -> Self {
        Self { plans: HashMap::new(), most, uses: 0 }
    }

    /// A block, if it is here.
    pub(super) fn get(&mut self, key: &Key) -> Option<Arc<BlockPlan>> {
        self.uses += 1;
        let (plan, used) = self.plans.get_mut(key)?;
        *used = self.uses;
        Some(Arc::clone(plan))
    }

    /// Adds a block.
    pub(super) fn insert(&mut self, key: Key, plan: Arc<BlockPlan>) {
        if self.plans.len() >= self.most
            && let Some(oldest) =
                self.plans.iter().min_by_key(|(_, (_, used))| *used).map(|(key, _)| key.clone())
        {
            self.plans.remove(&oldest);
        }
        self.uses += 1;
        self.plans.insert(key, (plan, self.uses));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_least_recently_used_goes_first() {
        let key = |i| (BlockHash([i; 32]), LaunchMode::Compiled, Packs::default());
        let plan = || {
            Arc::new(BlockPlan {
                name: String::new(),
                packs: Packs::default(),
                steps: vec![],
                arena: 0,
                depth: 1,
            })
        };
        let mut cache = Cache::new(2);
        cache.insert(key(0), plan());
        cache.insert(key(1), plan());
        assert!(cache.get(&key(0)).is_some());
        cache.insert(key(2), plan());
        assert!(cache.get(&key(0)).is_some() && cache.get(&key(1)).is_none() && cache.get(&key(2)).is_some());
        assert!(cache.get(&(BlockHash([2; 32]), LaunchMode::Eager, Packs::default())).is_none());
    }
}
