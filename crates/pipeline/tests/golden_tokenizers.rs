//! Tokenizers against transformers 4.57.6: `tests/fixtures/golden/tokenizers.json`, and, outside CI, the published
//! vocabularies.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod golden;

use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::Path;
use tintype_pipeline::tokenizer::{Tokenizer, TokenizerKind};

#[derive(Deserialize)]
struct Golden {
    rows: Vec<Row>,
}

#[derive(Deserialize)]
struct Row {
    text: Option<String>,
    repeat: Option<String>,
    times: Option<usize>,
    ids: BTreeMap<String, Expected>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Expected {
    Whole(Vec<u32>),
    Long { count: usize, first: Vec<u32>, last: Vec<u32>, weighted_sum: u64 },
}

fn check(golden: &Golden, root: &Path) {
    let mut tokenizers: BTreeMap<&str, Tokenizer> = BTreeMap::new();
    let mut wrong = Vec::new();
    for row in &golden.rows {
        let repeated = || row.repeat.clone().unwrap().repeat(row.times.unwrap());
        let text = row.text.clone().unwrap_or_else(repeated);
        for (name, expected) in &row.ids {
            let tokenizer = tokenizers.entry(name).or_insert_with(|| {
                let kind = if name.contains("tokenizer_2") { TokenizerKind::T5 } else { TokenizerKind::Clip };
                Tokenizer::open(&root.join(name), kind).unwrap()
            });
            let ids = tokenizer.ids(&text).unwrap();
            let same = match expected {
                Expected::Whole(whole) => ids == *whole,
                Expected::Long { count, first, last, weighted_sum } => {
                    let sum: u64 = ids.iter().zip(1u64..).map(|(id, place)| u64::from(*id) * place).sum();
                    ids.len() == *count
                        && ids.starts_with(first)
                        && ids.ends_with(last)
                        && sum == *weighted_sum
                }
            };
            if !same {
                let shown: String = text.chars().take(40).collect();
                wrong.push(format!("{name} {shown:?}: {:?}", &ids[..ids.len().min(40)]));
            }
        }
    }
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
    assert!(tokenizers.len() > 2 && golden.rows.len() > 80);
}

#[test]
fn small_vocabularies_in_every_layout() {
    check(&golden::json("tokenizers"), &golden::fixtures().join("models"));
}

/// Needs the published vocabularies: `python tests/fixtures/real_tokenizers.py OUT`, then
/// `TINTYPE_TOKENIZERS=OUT cargo test -p tintype-pipeline --test golden_tokenizers -- --ignored`.
#[test]
#[ignore = "needs TINTYPE_TOKENIZERS, the folder that tests/fixtures/real_tokenizers.py makes"]
fn published_vocabularies() {
    let root = std::env::var_os("TINTYPE_TOKENIZERS").expect("TINTYPE_TOKENIZERS is not set");
    let text = std::fs::read_to_string(Path::new(&root).join("tokenizers.json")).unwrap();
    check(&serde_json::from_str(&text).unwrap(), Path::new(&root));
}
