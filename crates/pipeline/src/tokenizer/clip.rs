//! CLIP's tokenizer from `vocab.json` and `merges.txt`, as transformers' `CLIPTokenizer` runs it.

use super::added::{AddedTokens, Piece};
use super::bpe;
use super::broken;
use super::clean::Cleaner;
use super::settings::Settings;
use crate::error::Result;
use crate::folder::Location;
use tokenizers::Model;
use tokenizers::models::bpe::BPE;

/// Words that are tokens as they stand, whatever the merges say.
const WHOLE: [&str; 2] = ["<|startoftext|>", "<|endoftext|>"];

pub(super) struct Clip {
    cleaner: Cleaner,
    model: BPE,
    added: AddedTokens,
    unk: u32,
}

impl Clip {
    pub(super) fn open(folder: &Location, settings: &Settings) -> Result<Self> {
        let model = bpe::read(folder, &settings.unk)?;
        let cleaner = Cleaner::new().map_err(|error| broken(folder.path(), error))?;
        let mut next = u32::try_from(model.get_vocab_size()).unwrap_or(u32::MAX);
        let mut added = Vec::with_capacity(settings.added.len());
        for (token, id) in &settings.added {
            let id = id.or_else(|| model.token_to_id(&token.content)).unwrap_or_else(|| {
                let id = next;
                next = next.saturating_add(1);
                id
            });
            added.push((token.clone(), id));
        }
        let unk = model.token_to_id(&settings.unk).unwrap_or_default();
        Ok(Clip { cleaner, model, added: AddedTokens::new(added), unk })
    }

    /// The ids of a text, without the tokens that open and close a prompt.
    pub(super) fn ids(&self, text: &str) -> Result<Vec<u32>, tokenizers::Error> {
        let mut ids = Vec::new();
        for piece in self.added.split(text) {
            match piece {
                Piece::Token(id) => ids.push(id),
                Piece::Text(text) => {
                    let cleaned = self.cleaner.clean(text)?;
                    for word in self.cleaner.words(&cleaned) {
                        self.word(word, &mut ids)?;
                    }
                }
            }
        }
        Ok(ids)
    }

    fn word(&self, word: &str, ids: &mut Vec<u32>) -> Result<(), tokenizers::Error> {
        if WHOLE.contains(&word) {
            ids.push(self.model.token_to_id(word).unwrap_or(self.unk));
            return Ok(());
        }
        let word: String = word.bytes().map(bpe::byte_to_char).collect();
        ids.extend(self.model.tokenize(&word)?.into_iter().map(|token| token.id));
        Ok(())
    }

    pub(super) fn id_of(&self, token: &str) -> Option<u32> {
        self.model.token_to_id(token).or_else(|| self.added.id_of(token))
    }

    pub(super) fn token_of(&self, id: u32) -> Option<String> {
        self.added.text_of(id).map(str::to_owned).or_else(|| self.model.id_to_token(id))
    }
}
