//! `vocab.json` and `merges.txt`: a byte-level BPE vocabulary.

use super::broken;
use crate::error::{Result, brief};
use crate::folder::{Location, read_json, read_text};
use std::collections::HashMap;
use tokenizers::models::bpe::{BPE, Vocab};

/// CLIP's tokenizer reads no more merges than this, however many the file has: 49152 - 256 - 2.
const MOST_MERGES: usize = 48_894;
/// What ends a word's last token.
pub(super) const END_OF_WORD: &str = "</w>";

/// Reads both files. Characters that are not in the vocabulary become `unk`.
pub(super) fn read(folder: &Location, unk: &str) -> Result<BPE> {
    let path = folder.join("vocab.json");
    let vocab: HashMap<String, u32> = read_json(&path)?;
    if !vocab.contains_key(unk) {
        return Err(broken(
            path.path(),
            format!("the vocabulary lacks `{unk}`, which stands for unknown text"),
        ));
    }
    let path = folder.join("merges.txt");
    let text = read_text(&path)?;
    let mut merges = Vec::new();
    // The first line is a header, whatever it says.
    for (number, line) in (1u32..).zip(text.trim().split('\n')).skip(1).take(MOST_MERGES) {
        let mut parts = line.split_whitespace();
        match (parts.next(), parts.next(), parts.next()) {
            (Some(left), Some(right), None) => merges.push((left.to_owned(), right.to_owned())),
            (None, ..) => {}
            _ => {
                let reason = format!("line {number} is `{}`, not two tokens and a space", brief(line));
                return Err(broken(path.path(), reason));
            }
        }
    }
    BPE::builder()
        .vocab_and_merges(vocab.into_iter().collect::<Vocab>(), merges)
        .unk_token(unk.to_owned())
        .end_of_word_suffix(END_OF_WORD.to_owned())
        .build()
        .map_err(|error| broken(path.path(), error))
}

/// GPT-2's table: every byte as a printable character, so that no token holds white space.
pub(super) fn byte_to_char(byte: u8) -> char {
    match byte {
        b'!'..=b'~' | 0xA1..=0xAC | 0xAE..=0xFF => char::from(byte),
        // The 68 others take the characters from 256 on, in order.
        0..=0x20 => char_at(u32::from(byte)),
        0x7F..=0xA0 => char_at(u32::from(byte).saturating_sub(0x7F - 33)),
        0xAD => char_at(67),
    }
}

/// The byte that a character of a token stands for; none if it stands for none.
pub(super) fn char_to_byte(c: char) -> Option<u8> {
    let shifted = u32::from(c).checked_sub(256);
    match shifted {
        None => u8::try_from(u32::from(c)).ok().filter(|byte| byte_to_char(*byte) == c),
        Some(n @ 0..=32) => u8::try_from(n).ok(),
        Some(n @ 33..=66) => u8::try_from(n.saturating_add(0x7F - 33)).ok(),
        Some(67) => Some(0xAD),
        Some(_) => None,
    }
}

fn char_at(number: u32) -> char {
    char::from_u32(number.saturating_add(256)).unwrap_or(char::REPLACEMENT_CHARACTER)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_has_its_own_character() {
        let chars: std::collections::BTreeSet<char> = (0..=255).map(byte_to_char).collect();
        assert_eq!(chars.len(), 256);
        assert!((0..=255).all(|byte| char_to_byte(byte_to_char(byte)) == Some(byte)));
        assert_eq!(byte_to_char(b' '), 'Ġ');
        assert_eq!(char_to_byte('▁'), None);
    }
}
