//! Safetensors files with a header and a hole.

use super::tensors::{Tensor, Tensors};
use serde_json::json;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Write};
use std::path::Path;

/// Bytes of a tensor in bf16.
pub(super) fn bytes((_, shape): &Tensor) -> u64 {
    2 * shape.iter().product::<u64>()
}

/// A file of these tensors, in the order of their names, as the format's own writer has them.
pub(super) fn write_shard(path: &Path, tensors: &Tensors) -> io::Result<()> {
    let mut sorted: Vec<&Tensor> = tensors.iter().collect();
    sorted.sort();
    // By hand, since the order of entries is that of the data and a map would not keep it.
    let mut header = String::from(r#"{"__metadata__":{"format":"pt"}"#);
    let mut end = 0;
    for tensor in sorted {
        let (name, shape) = tensor;
        let start = end;
        end += bytes(tensor);
        let shape = shape.iter().map(u64::to_string).collect::<Vec<_>>().join(",");
        header.push_str(&format!(
            r#","{name}":{{"dtype":"BF16","shape":[{shape}],"data_offsets":[{start},{end}]}}"#
        ));
    }
    header.push('}');
    while header.len() % 8 != 0 {
        header.push(' ');
    }
    let mut file = File::create(path)?;
    file.write_all(&(header.len() as u64).to_le_bytes())?;
    file.write_all(header.as_bytes())?;
    file.set_len(8 + header.len() as u64 + end)
}

/// The index of shards.
pub(super) fn write_index(path: &Path, shards: &[(String, &Tensors)]) -> io::Result<()> {
    let total: u64 = shards.iter().flat_map(|(_, tensors)| tensors.iter()).map(bytes).sum();
    let places =
        shards.iter().flat_map(|(shard, tensors)| tensors.iter().map(move |(name, _)| (name, shard)));
    let map: BTreeMap<_, _> = places.collect();
    let index = json!({ "metadata": { "total_size": total }, "weight_map": map });
    std::fs::write(path, serde_json::to_string_pretty(&index)? + "\n")
}
