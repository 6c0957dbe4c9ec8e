//! `spiece.model`: a SentencePiece model, which is a protobuf message (sentencepiece_model.proto).

use super::broken;
use crate::error::Result;
use crate::folder::Location;
use prost::Message;

#[derive(Clone, PartialEq, Message)]
struct ModelProto {
    #[prost(message, repeated, tag = "1")]
    pieces: Vec<PieceProto>,
    #[prost(message, optional, tag = "2")]
    trainer: Option<TrainerProto>,
    #[prost(message, optional, tag = "3")]
    normalizer: Option<NormalizerProto>,
}

#[derive(Clone, PartialEq, Message)]
struct PieceProto {
    #[prost(string, optional, tag = "1")]
    piece: Option<String>,
    #[prost(float, optional, tag = "2")]
    score: Option<f32>,
    #[prost(int32, optional, tag = "3")]
    kind: Option<i32>,
}

#[derive(Clone, PartialEq, Message)]
struct TrainerProto {
    #[prost(int32, optional, tag = "3")]
    model_type: Option<i32>,
    #[prost(int32, optional, tag = "40")]
    unk_id: Option<i32>,
}

#[derive(Clone, PartialEq, Message)]
struct NormalizerProto {
    #[prost(bytes = "vec", optional, tag = "2")]
    precompiled_charsmap: Option<Vec<u8>>,
}

/// What a SentencePiece model says, as far as T5 uses it.
pub(super) struct SentencePiece {
    /// Pieces and log probabilities, in the order of their ids.
    pub(super) pieces: Vec<(String, f64)>,
    /// Control and user-defined pieces: they are split out of the text; true for control pieces.
    pub(super) apart: Vec<(String, bool)>,
    pub(super) unk_id: usize,
    pub(super) charsmap: Vec<u8>,
}

const UNIGRAM: i32 = 1;
const CONTROL: i32 = 3;
const USER_DEFINED: i32 = 4;

/// Reads a Unigram model.
pub(super) fn read(path: &Location) -> Result<SentencePiece> {
    let bytes = path.read()?;
    let path = path.path();
    let proto = ModelProto::decode(bytes.as_slice())
        .map_err(|error| broken(path, format!("it is truncated or no SentencePiece model ({error})")))?;
    let trainer = proto.trainer.unwrap_or_default();
    if trainer.model_type.unwrap_or(UNIGRAM) != UNIGRAM {
        return Err(broken(path, "it is not a Unigram model, the only kind of SentencePiece that T5 uses"));
    }
    let mut apart = Vec::new();
    let mut pieces = Vec::with_capacity(proto.pieces.len());
    for piece in proto.pieces {
        let text = piece.piece.unwrap_or_default();
        if let Some(kind @ (CONTROL | USER_DEFINED)) = piece.kind {
            apart.push((text.clone(), kind == CONTROL));
        }
        pieces.push((text, f64::from(piece.score.unwrap_or_default())));
    }
    if pieces.is_empty() {
        return Err(broken(path, "it holds no pieces"));
    }
    let unk_id = usize::try_from(trainer.unk_id.unwrap_or_default()).unwrap_or(usize::MAX);
    let charsmap = proto.normalizer.and_then(|n| n.precompiled_charsmap).unwrap_or_default();
    Ok(SentencePiece { pieces, apart, unk_id, charsmap })
}
