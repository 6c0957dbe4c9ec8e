//! What was made once and is kept for the next who asks.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::Arc;

/// Shared values by what they were made from; the least recently used are let go beyond a number.
pub struct Kept<K, V> {
    values: HashMap<K, (Arc<V>, u64)>,
    most: usize,
    uses: u64,
}

impl<K: Clone + Eq + Hash, V> Kept<K, V> {
    /// Room for so many.
    pub fn new(most: usize) -> Self {
        Self { values: HashMap::new(), most, uses: 0 }
    }

    /// A value, if it is here.
    pub fn get(&mut self, key: &K) -> Option<Arc<V>> {
        self.uses += 1;
        let (value, used) = self.values.get_mut(key)?;
        *used = self.uses;
        Some(Arc::clone(value))
    }

    /// Adds a value.
    pub fn insert(&mut self, key: K, value: Arc<V>) {
        if self.values.len() >= self.most {
            let oldest = self.values.iter().min_by_key(|(_, (_, used))| *used).map(|(key, _)| key.clone());
            oldest.and_then(|key| self.values.remove(&key));
        }
        self.uses += 1;
        self.values.insert(key, (value, self.uses));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_least_recently_used_goes_first() {
        let mut kept = Kept::new(2);
        kept.insert(0, Arc::new("a"));
        kept.insert(1, Arc::new("b"));
        assert!(kept.get(&0).is_some());
        kept.insert(2, Arc::new("c"));
        assert!(kept.get(&0).is_some() && kept.get(&1).is_none() && kept.get(&2).is_some());
        assert!(kept.get(&3).is_none());
    }
}
