//! Text to words as `CLIPTokenizer` of transformers 4.57 makes them where ftfy is not installed: its `BasicTokenizer`
//! with `strip_accents=False, do_split_on_punc=False`, then CLIP's own pattern.

use regex::Regex;
use tokenizers::{NormalizedString, Normalizer, normalizers::NFC};

/// CLIP's words. Only the contractions need folding, since the text is in lower case: "'ſ" is one of them. U+0345 is
/// in no word: Python folds it to ι, a letter, when it looks at the last class, and not when it looks at the first.
const WORDS: &str =
    r"(?i:<\|startoftext\|>|<\|endoftext\|>|'s|'t|'re|'ve|'m|'ll|'d)|\p{L}+|\p{N}|[^\s\p{L}\p{N}\x{345}]+";
/// Other, which Python calls control: Cc, Cf, Co and Cn.
const CONTROL: &str = r"^\p{C}$";

/// The compiled patterns.
pub(super) struct Cleaner {
    words: Regex,
    control: Regex,
}

impl Cleaner {
    pub(super) fn new() -> Result<Self, regex::Error> {
        Ok(Cleaner { words: Regex::new(WORDS)?, control: Regex::new(CONTROL)? })
    }

    /// Drops control characters, sets every CJK character apart, composes (NFC) and lowers each word.
    pub(super) fn clean(&self, text: &str) -> Result<String, tokenizers::Error> {
        let mut spaced = String::with_capacity(text.len());
        for c in text.chars() {
            if matches!(c, ' ' | '\t' | '\n' | '\r') || is_space_separator(c) {
                spaced.push(' ');
            } else if c == '\u{fffd}' || self.is_control(c) {
                continue;
            } else if is_cjk(c) {
                spaced.extend([' ', c, ' ']);
            } else {
                spaced.push(c);
            }
        }
        let mut composed = NormalizedString::from(spaced);
        NFC.normalize(&mut composed)?;
        // Word by word: whether a capital sigma is final depends on where the word ends.
        let words: Vec<String> = composed.get().split_whitespace().map(str::to_lowercase).collect();
        Ok(words.join(" "))
    }

    /// The words of a cleaned text.
    pub(super) fn words<'a>(&'a self, cleaned: &'a str) -> impl Iterator<Item = &'a str> {
        self.words.find_iter(cleaned).map(|found| found.as_str())
    }

    fn is_control(&self, c: char) -> bool {
        if c.is_ascii() {
            return c.is_ascii_control();
        }
        self.control.is_match(c.encode_utf8(&mut [0; 4]))
    }
}

/// Unicode's category Zs.
fn is_space_separator(c: char) -> bool {
    c.is_whitespace() && !c.is_control() && !matches!(c, '\u{2028}' | '\u{2029}')
}

/// The blocks that BERT's tokenizer calls Chinese; kana and hangul are not among them.
fn is_cjk(c: char) -> bool {
    matches!(u32::from(c),
        0x4E00..=0x9FFF | 0x3400..=0x4DBF | 0x20000..=0x2A6DF | 0x2A700..=0x2B73F | 0x2B740..=0x2B81F
        | 0x2B820..=0x2CEAF | 0xF900..=0xFAFF | 0x2F800..=0x2FA1F)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn awkward_text_becomes_words() {
        let cleaner = Cleaner::new().unwrap();
        let words = |text: &str| {
            let cleaned = cleaner.clean(text).unwrap();
            cleaner.words(&cleaned).map(str::to_owned).collect::<Vec<_>>()
        };
        assert_eq!(words("It's 42\u{200b} Dogs!?"), ["it", "'s", "4", "2", "dogs", "!?"]);
        assert_eq!(words("東京タワー"), ["東", "京", "タワー"]);
        assert_eq!(words("e\u{301}\u{0}\tΣΑΣ"), ["é", "σας"]);
        assert_eq!(words("<|ENDOFTEXT|>x"), ["<|endoftext|>", "x"]);
        assert_eq!(words("á\u{345}"), ["á"]);
        assert_eq!(words("a\u{2028}b\u{b}c"), ["a", "bc"]);
        assert_eq!(words(" \u{3000}\n"), [""; 0]);
    }
}
