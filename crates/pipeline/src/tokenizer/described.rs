//! Tokenizers that the tokenizers crate runs whole: `tokenizer.json`, and T5's `spiece.model`.

use super::settings::Settings;
use super::{TokenizerKind, broken, decode, unigram, vet};
use crate::error::Result;
use crate::folder::{Location, json_error, read_text};
use tokenizers::pre_tokenizers::metaspace::{Metaspace, PrependScheme};
use tokenizers::{AddedToken, Tokenizer};

pub(super) struct Described {
    tokenizer: Tokenizer,
    kind: TokenizerKind,
}

impl Described {
    /// From `tokenizer.json`.
    pub(super) fn from_json(path: &Location, settings: &Settings, kind: TokenizerKind) -> Result<Self> {
        let text = read_text(path)?;
        let path = path.path();
        let mut document = serde_json::from_str(&text).map_err(|error| json_error(path, &text, &error))?;
        let model = if kind == TokenizerKind::Clip { "BPE" } else { "Unigram" };
        vet::document(&mut document, model).map_err(|reason| broken(path, reason))?;
        let tokenizer: Tokenizer = document.to_string().parse().map_err(|error| broken(path, error))?;
        Ok(Self::finish(tokenizer, settings, kind))
    }

    /// From T5's `spiece.model`.
    pub(super) fn from_spiece(path: &Location, settings: &Settings) -> Result<Self> {
        Ok(Self::finish(unigram::read(path, settings)?, settings, TokenizerKind::T5))
    }

    /// Adds what the settings name and the files lack, as transformers does once a tokenizer is loaded.
    fn finish(mut tokenizer: Tokenizer, settings: &Settings, kind: TokenizerKind) -> Self {
        let known = tokenizer.get_added_vocabulary().get_vocab();
        let missing =
            settings.added.iter().map(|(token, _)| token).filter(|t| !known.contains_key(&t.content));
        let missing: Vec<AddedToken> = missing.cloned().collect();
        tokenizer.add_tokens(&missing);
        tokenizer.with_decoder(Some(Metaspace::new(unigram::SPACE, PrependScheme::Always, true)));
        Described { tokenizer, kind }
    }

    /// The ids of a text, without the tokens that open and close a prompt.
    pub(super) fn ids(&self, text: &str) -> Result<Vec<u32>, tokenizers::Error> {
        Ok(self.tokenizer.encode_fast(text, false)?.get_ids().to_vec())
    }

    pub(super) fn id_of(&self, token: &str) -> Option<u32> {
        self.tokenizer.token_to_id(token)
    }

    pub(super) fn decode(&self, ids: &[u32]) -> String {
        match self.kind {
            TokenizerKind::T5 => self.tokenizer.decode(ids, false).unwrap_or_default(),
            TokenizerKind::Clip => {
                decode::byte_level(ids.iter().filter_map(|id| self.tokenizer.id_to_token(*id)))
            }
        }
    }
}
