//! The tokenizer that a pipeline holds: opening either layout, padding and cutting.

use super::clip::Clip;
use super::described::Described;
use super::settings::Settings;
use super::{broken, decode};
use crate::error::{Error, Result};
use crate::folder::{Location, listing};

/// The longest text that is tokenized, in bytes: far more than any encoder sees, little enough to take a moment.
const MOST_TEXT: usize = 1 << 16;

/// Which family a tokenizer is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TokenizerKind {
    /// CLIP: `<|startoftext|> … <|endoftext|>`.
    Clip,
    /// T5: `… </s>`.
    T5,
}

/// A prompt in ids.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Encoded {
    /// As many ids as were asked for: the prompt with its opening and closing tokens, then padding.
    pub ids: Vec<u32>,
    /// The words that did not fit, decoded from the ids that were cut off; none if all fit.
    pub truncated: Option<String>,
    /// Where the first closing token stands, from 0: CLIP's pooled output is taken there.
    ///
    /// Where a prompt itself holds the closing token, it is that one, as in transformers.
    pub eos_position: usize,
}

enum Engine {
    Clip(Box<Clip>),
    Described(Box<Described>),
}

/// A tokenizer, ready to encode prompts.
pub struct Tokenizer {
    engine: Engine,
    bos: Option<u32>,
    eos: u32,
    pad: u32,
    max_length: Option<usize>,
    clean_up: bool,
}

impl Tokenizer {
    /// Opens a tokenizer's folder, in whichever layout it is.
    ///
    /// CLIP: `vocab.json` and `merges.txt`, else `tokenizer.json`. T5: `tokenizer.json`, else `spiece.model`; the
    /// other way round where `tokenizer_config.json` sets `add_prefix_space`, as transformers has it.
    ///
    /// # Errors
    ///
    /// [`Error::Tokenizer`] if the files are missing, truncated, damaged, or not of this kind; [`Error::Read`] and
    /// [`Error::Json`].
    pub fn open(folder: impl Into<Location>, kind: TokenizerKind) -> Result<Self> {
        let folder = &folder.into();
        let settings = Settings::read(folder, kind)?;
        let is_file = |name: &str| folder.join(name).is_file();
        let json = is_file("tokenizer.json");
        let from_json = || {
            let path = folder.join("tokenizer.json");
            Described::from_json(&path, &settings, kind).map(|d| Engine::Described(Box::new(d)))
        };
        let engine = match kind {
            TokenizerKind::Clip if is_file("vocab.json") && is_file("merges.txt") => {
                Engine::Clip(Box::new(Clip::open(folder, &settings)?))
            }
            TokenizerKind::Clip if json => from_json()?,
            TokenizerKind::T5 => {
                let convert = matches!(settings.add_prefix_space, Some(Some(_)));
                let spiece = is_file("spiece.model");
                if json && !(convert && spiece) {
                    from_json()?
                } else if spiece {
                    let described = Described::from_spiece(&folder.join("spiece.model"), &settings)?;
                    Engine::Described(Box::new(described))
                } else {
                    return Err(missing(folder, "tokenizer.json or spiece.model"));
                }
            }
            TokenizerKind::Clip => {
                return Err(missing(folder, "vocab.json and merges.txt, or tokenizer.json"));
            }
        };
        Self::finish(folder, engine, settings)
    }

    fn finish(folder: &Location, engine: Engine, settings: Settings) -> Result<Self> {
        let id = |token: &str| {
            let id = match &engine {
                Engine::Clip(clip) => clip.id_of(token),
                Engine::Described(described) => described.id_of(token),
            };
            id.ok_or_else(|| broken(folder.path(), format!("its vocabulary lacks `{token}`")))
        };
        let bos = settings.bos.as_deref().map(id).transpose()?;
        let (eos, pad) = (id(&settings.eos)?, id(&settings.pad)?);
        let (max_length, clean_up) = (settings.max_length, settings.clean_up);
        Ok(Tokenizer { engine, bos, eos, pad, max_length, clean_up })
    }

    /// The longest prompt in tokens, from `model_max_length`: 77 for CLIP, 512 for T5. None where the file has none.
    pub fn model_max_length(&self) -> Option<usize> {
        self.max_length
    }

    /// The id that fills up short prompts.
    pub fn pad_id(&self) -> u32 {
        self.pad
    }

    /// The id that closes prompts.
    pub fn eos_id(&self) -> u32 {
        self.eos
    }

    /// All ids of a text with its opening and closing tokens, neither cut nor padded.
    ///
    /// # Errors
    ///
    /// [`Error::Prompt`] if the vocabulary has nothing to stand for a character, and for texts beyond 64 KiB.
    pub fn ids(&self, text: &str) -> Result<Vec<u32>> {
        if text.len() > MOST_TEXT {
            let reason = format!(
                "it has {} bytes; give at most {MOST_TEXT}, of which encoders see a few thousand",
                text.len()
            );
            return Err(Error::Prompt { reason });
        }
        let ids = match &self.engine {
            Engine::Clip(clip) => clip.ids(text),
            Engine::Described(described) => described.ids(text),
        };
        let ids = ids.map_err(|error| Error::Prompt { reason: error.to_string() })?;
        Ok(self.bos.into_iter().chain(ids).chain([self.eos]).collect())
    }

    /// The prompt in exactly `max_length` ids: padded with the padding id, or cut before the closing token.
    ///
    /// # Errors
    ///
    /// [`Error::Prompt`] if `max_length` leaves no room for the opening and closing tokens, and as
    /// [`Tokenizer::ids`].
    pub fn encode(&self, text: &str, max_length: usize) -> Result<Encoded> {
        let least = if self.bos.is_some() { 2 } else { 1 };
        if max_length < least {
            let reason = format!("a length of {max_length} tokens is too short; give at least {least}");
            return Err(Error::Prompt { reason });
        }
        let mut ids = self.ids(text)?;
        let mut truncated = None;
        if ids.len() > max_length {
            let kept = max_length.saturating_sub(1);
            ids.pop();
            truncated = Some(self.decode(&ids.split_off(kept)));
            ids.push(self.eos);
        }
        let last = ids.len().saturating_sub(1);
        let eos_position = ids.iter().position(|id| *id == self.eos).unwrap_or(last);
        ids.resize(max_length, self.pad);
        Ok(Encoded { ids, truncated, eos_position })
    }

    /// Ids to text, special tokens included, as far as it can be told from them.
    pub fn decode(&self, ids: &[u32]) -> String {
        let text = match &self.engine {
            Engine::Clip(clip) => decode::byte_level(ids.iter().filter_map(|id| clip.token_of(*id))),
            Engine::Described(described) => described.decode(ids),
        };
        if self.clean_up { decode::clean_up(&text) } else { text }
    }
}

fn missing(folder: &Location, expected: &str) -> Error {
    Error::Tokenizer {
        path: folder.to_path_buf(),
        reason: format!("no {expected} among {}", listing(folder)),
        remedy: "give a folder that holds them".into(),
    }
}
