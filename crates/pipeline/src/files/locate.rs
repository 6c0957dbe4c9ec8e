//! Which files hold a component's weights.

#![cfg_attr(not(test), deny(clippy::indexing_slicing, clippy::arithmetic_side_effects))]

use crate::error::{Error, Result, brief};
use crate::folder::{Location, is_plain_name, listing, read_json};
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};

/// The weight files of a component, and what the index of shards claims about them.
pub(super) struct Located {
    pub(super) files: Vec<Location>,
    /// The index file and its map from tensor to shard; none for a single file.
    pub(super) index: Option<(Location, BTreeMap<String, String>)>,
}

#[derive(Deserialize)]
struct ShardIndex {
    weight_map: BTreeMap<String, String>,
}

/// Finds `STEM.safetensors`, or else `STEM.safetensors.index.json` and the shards it lists.
pub(super) fn locate(folder: &Location, stems: &[&str]) -> Result<Located> {
    for stem in stems {
        let single = folder.join(format!("{stem}.safetensors"));
        if single.exists() {
            return Ok(Located { files: vec![single], index: None });
        }
        let index = folder.join(format!("{stem}.safetensors.index.json"));
        if index.exists() {
            return shards(folder, index);
        }
    }
    let expected: Vec<String> = stems.iter().map(|stem| format!("{stem}.safetensors[.index.json]")).collect();
    Err(Error::NoWeights {
        folder: folder.to_path_buf(),
        expected: expected.join(" or "),
        found: listing(folder),
    })
}

/// Whether all files of a component's weights are there.
pub(crate) fn has_weights(folder: &Location, stems: &[&str]) -> bool {
    locate(folder, stems).is_ok()
}

fn shards(folder: &Location, index: Location) -> Result<Located> {
    let map = read_json::<ShardIndex>(&index)?.weight_map;
    let names: BTreeSet<&String> = map.values().collect();
    let mut files = Vec::with_capacity(names.len());
    for name in names {
        if !is_plain_name(name) {
            return Err(Error::BadWeights {
                path: index.to_path_buf(),
                reason: format!("shard `{}` is not a file name in the index's own folder", brief(name)),
            });
        }
        let file = folder.join(name);
        if !file.exists() {
            return Err(Error::MissingShard { index: index.to_path_buf(), shard: brief(name) });
        }
        files.push(file);
    }
    if files.is_empty() {
        return Err(Error::BadWeights {
            path: index.to_path_buf(),
            reason: "its weight_map is empty".into(),
        });
    }
    Ok(Located { files, index: Some((index, map)) })
}
