//! T5's tokenizer from `spiece.model`, built as transformers' `T5Converter` builds it.

use super::settings::{Settings, extra_names};
use super::{broken, charsmap, spiece, vet};
use crate::error::Result;
use crate::folder::Location;
use tokenizers::models::unigram::Unigram;
use tokenizers::normalizers::replace::ReplacePattern;
use tokenizers::normalizers::{NormalizerWrapper, Replace, Sequence, Strip};
use tokenizers::pre_tokenizers::metaspace::{Metaspace, PrependScheme};
use tokenizers::{AddedToken, Tokenizer};

/// What stands for a space within a piece.
pub(super) const SPACE: char = '▁';

/// Reads the model and puts the tokenizer together; the settings' own added tokens are not in it yet.
pub(super) fn read(path: &Location, settings: &Settings) -> Result<Tokenizer> {
    let model = spiece::read(path)?;
    let path = path.path();
    let mut pieces = model.pieces;
    pieces.extend(extra_names(settings.extra_ids).map(|name| (name, 0.0)));
    vet::pieces(pieces.iter().map(|(text, score)| (text.as_str(), *score))).map_err(|e| broken(path, e))?;
    let unigram = Unigram::from(pieces, Some(model.unk_id), false).map_err(|error| broken(path, error))?;

    let mut normalizers: Vec<NormalizerWrapper> = Vec::new();
    if !model.charsmap.is_empty() {
        normalizers.push(charsmap::read(&model.charsmap).map_err(|e| broken(path, e))?.into());
    }
    normalizers.push(Strip::new(false, true).into());
    let spaces = Replace::new(ReplacePattern::Regex(vet::SPACES.into()), SPACE.to_string());
    normalizers.push(spaces.map_err(|error| broken(path, error))?.into());

    let mut tokenizer = Tokenizer::new(unigram);
    tokenizer.with_normalizer(Some(Sequence::new(normalizers)));
    tokenizer.with_pre_tokenizer(Some(metaspace(settings)));
    let apart = model.apart.into_iter();
    let apart: Vec<AddedToken> =
        apart.map(|(text, control)| AddedToken::from(text, control).normalized(false)).collect();
    tokenizer.add_tokens(&apart);
    Ok(tokenizer)
}

/// Where the space goes that a text is given at its start: transformers' `_get_prepend_scheme`.
fn metaspace(settings: &Settings) -> Metaspace {
    let scheme = match settings.add_prefix_space.unwrap_or(Some(true)) {
        Some(true) if settings.legacy => PrependScheme::Always,
        Some(true) => PrependScheme::First,
        Some(false) | None => PrependScheme::Never,
    };
    Metaspace::new(SPACE, scheme, true)
}
