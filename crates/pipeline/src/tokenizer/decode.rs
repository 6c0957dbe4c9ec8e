//! Ids back to text, to tell which words of a prompt were cut off.

use super::bpe::{END_OF_WORD, char_to_byte};

/// Byte-level BPE tokens to text: bytes again, the end of a word a space, what is no UTF-8 replaced.
pub(super) fn byte_level(tokens: impl Iterator<Item = String>) -> String {
    let mut bytes = Vec::new();
    for token in tokens {
        for c in token.chars() {
            match char_to_byte(c) {
                Some(byte) => bytes.push(byte),
                None => bytes.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
            }
        }
    }
    String::from_utf8_lossy(&bytes).replace(END_OF_WORD, " ").trim().to_owned()
}

/// Removes the spaces before English punctuation and contractions, as transformers does where
/// `clean_up_tokenization_spaces` is set.
pub(super) fn clean_up(text: &str) -> String {
    let rules = [
        (" .", "."),
        (" ?", "?"),
        (" !", "!"),
        (" ,", ","),
        (" ' ", "'"),
        (" n't", "n't"),
        (" 'm", "'m"),
        (" 's", "'s"),
        (" 've", "'ve"),
        (" 're", "'re"),
    ];
    rules.iter().fold(text.to_owned(), |text, (from, to)| text.replace(from, to))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_become_words() {
        let tokens = ["it</w>", "'s</w>", "Ã", "©</w>", "!</w>"].map(str::to_owned);
        let text = byte_level(tokens.into_iter());
        assert_eq!(text, "it 's é !");
        assert_eq!(clean_up(&text), "it's é!");
    }
}
