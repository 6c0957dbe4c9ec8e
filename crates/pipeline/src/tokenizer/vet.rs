//! What of a `tokenizer.json` is accepted.
//!
//! The tokenizers crate trusts its files: a damaged character map, an odd regular expression or an empty piece stops
//! the program or hangs it. So only the parts that CLIP's and T5's files consist of are let through.

use super::charsmap;
use crate::error::brief;
use serde_json::Value;

/// The most tokens that stand beside a vocabulary.
pub(super) const MOST_ADDED: usize = 1 << 16;
/// Runs of spaces, as T5's files replace them.
pub(super) const SPACES: &str = " {2,}";

/// The regular expressions of the published files.
const PATTERNS: [&str; 4] = [
    SPACES,
    r"\s+",
    r"'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+",
    r"<\|startoftext\|>|<\|endoftext\|>|'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+",
];

/// Checks the document and takes out what is not used: truncation, padding, post-processor and decoder.
pub(super) fn document(document: &mut Value, model: &str) -> Result<(), String> {
    let entries = document.as_object_mut().ok_or("it is not a JSON object")?;
    for unused in ["truncation", "padding", "post_processor", "decoder"] {
        entries.insert(unused.into(), Value::Null);
    }
    let null = Value::Null;
    let part = |key: &str| entries.get(key).unwrap_or(&null);
    let found = text(part("model"), "type").unwrap_or("BPE");
    if found != model {
        return Err(format!("its model is `{}`; expected `{model}`", brief(found)));
    }
    match model {
        "BPE" => bpe(part("model"))?,
        _ => unigram(part("model"))?,
    }
    if part("added_tokens").as_array().is_some_and(|tokens| tokens.len() > MOST_ADDED) {
        return Err(format!("it adds more than {MOST_ADDED} tokens"));
    }
    vet_growth(normalizer(part("normalizer"))?)?;
    pre_tokenizer(part("pre_tokenizer"))
}

fn text<'a>(value: &'a Value, key: &str) -> Option<&'a str> {
    value.get(key)?.as_str()
}

/// A prefix would be cut off merges without looking at character boundaries; dropout would make ids random.
fn bpe(model: &Value) -> Result<(), String> {
    if text(model, "continuing_subword_prefix").is_some_and(|prefix| !prefix.is_empty()) {
        return Err("its model has a continuing_subword_prefix, which CLIP's has not".into());
    }
    if model.get("dropout").and_then(Value::as_f64).is_some_and(|dropout| dropout != 0.0) {
        return Err("its model has dropout, which would make ids random".into());
    }
    match text(model, "end_of_word_suffix") {
        Some(super::bpe::END_OF_WORD) => Ok(()),
        _ => Err("its model has no end_of_word_suffix `</w>`, so it is not CLIP's".into()),
    }
}

fn unigram(model: &Value) -> Result<(), String> {
    let vocab = model.get("vocab").and_then(Value::as_array).ok_or("its model has no vocab")?;
    let entries: Option<Vec<(&str, f64)>> =
        vocab.iter().map(|entry| Some((entry.get(0)?.as_str()?, entry.get(1)?.as_f64()?))).collect();
    let unk = model.get("unk_id").and_then(Value::as_u64);
    if unk.is_none_or(|unk| unk >= vocab.len() as u64) {
        return Err("its model's unk_id is none of its pieces".into());
    }
    pieces(entries.ok_or("its vocab is not a list of pieces and scores")?.into_iter())
}

/// Pieces of a Unigram model: none may be empty, every score a number.
pub(super) fn pieces<'a>(pieces: impl Iterator<Item = (&'a str, f64)>) -> Result<(), String> {
    for (id, (piece, score)) in pieces.enumerate() {
        if piece.is_empty() || !score.is_finite() {
            let piece = brief(piece);
            return Err(format!("piece {id}, `{piece}` with score {score}, is empty or has no finite score"));
        }
    }
    Ok(())
}

/// Refuses normalizers that make a text more than so many times as long: a few that each replace one letter by a
/// thousand would fill any memory.
pub(super) fn vet_growth(growth: usize) -> Result<(), String> {
    const MOST: usize = 256;
    if growth <= MOST {
        return Ok(());
    }
    Err(format!("its normalizer makes a text up to {growth} times as long; at most {MOST} times is accepted"))
}

/// Checks a normalizer; gives how many times as long it may make a text.
fn normalizer(value: &Value) -> Result<usize, String> {
    if value.is_null() {
        return Ok(1);
    }
    let length = |key: &str| text(value, key).unwrap_or_default().len();
    match text(value, "type").unwrap_or_default() {
        "Sequence" => list(value, "normalizers")?
            .iter()
            .try_fold(1usize, |growth, part| Ok(growth.saturating_mul(normalizer(part)?.max(1)))),
        "Precompiled" => charsmap::check_base64(text(value, "precompiled_charsmap").unwrap_or_default()),
        "Replace" => pattern(value).map(|()| length("content")),
        "Prepend" => Ok(length("prepend").saturating_add(1)),
        "Strip" | "Nmt" => Ok(1),
        "Lowercase" | "NFC" | "NFD" => Ok(3),
        // U+FDFA becomes 18 characters, 33 bytes of 3.
        "NFKC" | "NFKD" => Ok(11),
        other => Err(format!("its normalizer `{}` is none of CLIP's or T5's", brief(other))),
    }
}

fn pre_tokenizer(value: &Value) -> Result<(), String> {
    if value.is_null() {
        return Ok(());
    }
    match text(value, "type").unwrap_or_default() {
        "Sequence" => list(value, "pretokenizers")?.iter().try_for_each(pre_tokenizer),
        "Split" => pattern(value),
        "ByteLevel" | "Metaspace" | "WhitespaceSplit" => Ok(()),
        other => Err(format!("its pre-tokenizer `{}` is none of CLIP's or T5's", brief(other))),
    }
}

fn list<'a>(value: &'a Value, key: &str) -> Result<&'a Vec<Value>, String> {
    value.get(key).and_then(Value::as_array).ok_or_else(|| format!("a Sequence lacks its list of {key}"))
}

/// A string may be anything; a regular expression must be a known one, since some take forever or fail midway.
fn pattern(value: &Value) -> Result<(), String> {
    let pattern = value.get("pattern").unwrap_or(&Value::Null);
    match text(pattern, "Regex") {
        Some(regex) if !PATTERNS.contains(&regex) => {
            Err(format!("its regular expression `{}` is none of CLIP's or T5's", brief(regex)))
        }
        _ if text(pattern, "String").is_some_and(str::is_empty) => Err("it replaces the empty string".into()),
        _ => Ok(()),
    }
}
