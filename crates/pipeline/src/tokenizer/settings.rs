//! What stands beside a vocabulary: `tokenizer_config.json`, `special_tokens_map.json` and `added_tokens.json`.

use super::vet::MOST_ADDED;
use super::{TokenizerKind, broken};
use crate::error::Result;
use crate::folder::{Location, read_json};
use serde::Deserialize;
use std::collections::{BTreeMap, HashSet};
use tokenizers::AddedToken;

/// A token as these files write it: its text alone, or with its flags.
#[derive(Clone, Deserialize)]
#[serde(untagged)]
enum Written {
    Text(String),
    Full(Flags),
}

#[derive(Clone, Deserialize)]
struct Flags {
    content: String,
    #[serde(default)]
    single_word: bool,
    #[serde(default)]
    lstrip: bool,
    #[serde(default)]
    rstrip: bool,
    #[serde(default = "yes")]
    normalized: bool,
    #[serde(default)]
    special: bool,
}

fn yes() -> bool {
    true
}

impl Written {
    fn token(self) -> AddedToken {
        match self {
            Written::Text(text) => AddedToken::from(text, true),
            Written::Full(f) => AddedToken::from(f.content, f.special)
                .single_word(f.single_word)
                .lstrip(f.lstrip)
                .rstrip(f.rstrip)
                .normalized(f.normalized),
        }
    }
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Specials {
    bos_token: Option<Written>,
    eos_token: Option<Written>,
    unk_token: Option<Written>,
    pad_token: Option<Written>,
    additional_special_tokens: Option<Vec<Written>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Config {
    #[serde(flatten)]
    specials: Specials,
    added_tokens_decoder: Option<BTreeMap<String, Written>>,
    model_max_length: Option<f64>,
    clean_up_tokenization_spaces: Option<bool>,
    #[serde(deserialize_with = "given")]
    add_prefix_space: Option<Option<bool>>,
    legacy: Option<bool>,
    extra_ids: Option<usize>,
}

/// Tells a key that is null from one that is left out.
fn given<'de, D: serde::Deserializer<'de>>(value: D) -> Result<Option<Option<bool>>, D::Error> {
    Option::<bool>::deserialize(value).map(Some)
}

/// The settings of one tokenizer, with the defaults of its class in place.
pub(super) struct Settings {
    /// The first token of every prompt; T5 has none.
    pub(super) bos: Option<String>,
    /// The last token of every prompt.
    pub(super) eos: String,
    /// What stands for text that the vocabulary lacks.
    pub(super) unk: String,
    /// What fills the rest.
    pub(super) pad: String,
    /// Tokens that are split out of the text before anything else; the id is none where the vocabulary gives it.
    pub(super) added: Vec<(AddedToken, Option<u32>)>,
    /// The longest prompt in tokens; none where the file gives none or a placeholder.
    pub(super) max_length: Option<usize>,
    /// Whether decoding removes the spaces before punctuation.
    pub(super) clean_up: bool,
    /// None where the key is left out.
    pub(super) add_prefix_space: Option<Option<bool>>,
    /// T5: false where the prefix space goes only before the first piece.
    pub(super) legacy: bool,
    /// T5: how many `<extra_id_N>` the vocabulary ends with.
    pub(super) extra_ids: usize,
}

impl Settings {
    /// Reads the files that are there. As in transformers, the two older files count only where
    /// `tokenizer_config.json` has no `added_tokens_decoder`.
    pub(super) fn read(folder: &Location, kind: TokenizerKind) -> Result<Self> {
        let optional = |name: &str| Some(folder.join(name)).filter(|path| path.is_file());
        let config = optional("tokenizer_config.json").map(|p| read_json::<Config>(&p)).transpose()?;
        let config = config.unwrap_or_default();
        let (mut map, mut ids) = (Specials::default(), BTreeMap::new());
        if config.added_tokens_decoder.is_none() {
            if let Some(path) = optional("special_tokens_map.json") {
                map = read_json(&path)?;
            }
            if let Some(path) = optional("added_tokens.json") {
                ids = read_json::<BTreeMap<String, u32>>(&path)?;
            }
        }
        let count = |list: &Option<Vec<Written>>| list.as_ref().map_or(0, Vec::len);
        let described = config.added_tokens_decoder.as_ref().map_or(0, BTreeMap::len);
        let named =
            count(&config.specials.additional_special_tokens).max(count(&map.additional_special_tokens));
        if described.max(ids.len()).max(named) > MOST_ADDED {
            return Err(broken(folder.path(), format!("its settings add more than {MOST_ADDED} tokens")));
        }
        Ok(Self::merge(config, map, ids, kind))
    }

    fn merge(config: Config, map: Specials, ids: BTreeMap<String, u32>, kind: TokenizerKind) -> Self {
        let mut added: Vec<(AddedToken, Option<u32>)> = Vec::new();
        for (id, token) in config.added_tokens_decoder.unwrap_or_default() {
            added.push((token.token(), id.parse().ok()));
        }
        added.sort_by_key(|(_, id)| *id);
        added.extend(ids.into_iter().map(|(text, id)| (AddedToken::from(text, false), Some(id))));
        let mut known: HashSet<String> = added.iter().map(|(token, _)| token.content.clone()).collect();
        let mut special = |older: Option<Written>, newer: Option<Written>, default: &str| {
            let token = older.or(newer).map_or_else(|| AddedToken::from(default, true), Written::token);
            let text = token.content.clone();
            if !text.is_empty() && known.insert(text.clone()) {
                added.push((token.special(true), None));
            }
            text
        };
        let specials = config.specials;
        let end = if kind == TokenizerKind::Clip { "<|endoftext|>" } else { "</s>" };
        let (unk, pad) = if kind == TokenizerKind::Clip { (end, end) } else { ("<unk>", "<pad>") };
        let bos = (kind == TokenizerKind::Clip)
            .then(|| special(map.bos_token, specials.bos_token, "<|startoftext|>"));
        let eos = special(map.eos_token, specials.eos_token, end);
        let unk = special(map.unk_token, specials.unk_token, unk);
        let pad = special(map.pad_token, specials.pad_token, pad);
        let extra_ids =
            if kind == TokenizerKind::T5 { config.extra_ids.unwrap_or(100).min(1 << 16) } else { 0 };
        let more = map.additional_special_tokens.or(specials.additional_special_tokens);
        let more = more.unwrap_or_else(|| extra_names(extra_ids).rev().map(Written::Text).collect());
        for token in more {
            special(Some(token), None, "");
        }
        Settings {
            bos,
            eos,
            unk,
            pad,
            added,
            max_length: config.model_max_length.filter(|n| (1.0..1e9).contains(n)).map(|n| n as usize),
            clean_up: config.clean_up_tokenization_spaces.unwrap_or(false),
            add_prefix_space: config.add_prefix_space,
            legacy: config.legacy.unwrap_or(true),
            extra_ids,
        }
    }
}

/// T5's sentinels in the order of their ids: the last comes first.
pub(super) fn extra_names(count: usize) -> impl DoubleEndedIterator<Item = String> {
    (0..count).rev().map(|i| format!("<extra_id_{i}>"))
}
