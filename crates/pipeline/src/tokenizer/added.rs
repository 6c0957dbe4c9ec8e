//! Splitting added tokens out of a text, as transformers' Python tokenizers do before anything else.

use tokenizers::AddedToken;

/// A piece of a text: plain, or an added token by id.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Piece<'a> {
    Text(&'a str),
    Token(u32),
}

/// Added tokens with their ids, longest first.
pub(super) struct AddedTokens(Vec<(AddedToken, u32)>);

impl AddedTokens {
    pub(super) fn new(mut tokens: Vec<(AddedToken, u32)>) -> Self {
        tokens.retain(|(token, _)| !token.content.is_empty());
        tokens.sort_by_key(|(token, _)| std::cmp::Reverse(token.content.len()));
        AddedTokens(tokens)
    }

    pub(super) fn text_of(&self, id: u32) -> Option<&str> {
        self.0.iter().find(|(_, other)| *other == id).map(|(token, _)| token.content.as_str())
    }

    pub(super) fn id_of(&self, text: &str) -> Option<u32> {
        self.0.iter().find(|(token, _)| token.content == text).map(|(_, id)| *id)
    }

    /// Cuts `text` at the leftmost and there longest tokens; tokens take the white space that their flags say.
    pub(super) fn split<'a>(&self, text: &'a str) -> Vec<Piece<'a>> {
        let mut pieces = Vec::new();
        let (mut start, mut at) = (0, 0);
        while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
            let found = self.0.iter().find(|(token, _)| {
                rest.starts_with(&token.content)
                    && (!token.single_word || stands_alone(text, at, &token.content))
            });
            let Some((token, id)) = found else {
                at += rest.chars().next().map_or(1, char::len_utf8);
                continue;
            };
            let before = &text[start..at];
            let before = if token.lstrip { before.trim_end() } else { before };
            if !before.is_empty() {
                pieces.push(Piece::Text(before));
            }
            pieces.push(Piece::Token(*id));
            at += token.content.len();
            if token.rstrip {
                at = text.len() - text[at..].trim_start().len();
            }
            start = at;
        }
        if start < text.len() {
            pieces.push(Piece::Text(&text[start..]));
        }
        pieces
    }
}

/// True where only spaces or the ends of the text touch the token at `at`.
fn stands_alone(text: &str, at: usize, token: &str) -> bool {
    let before = text[..at].chars().next_back();
    let after = text[at + token.len()..].chars().next();
    before.is_none_or(|c| c == ' ') && after.is_none_or(|c| c == ' ')
}

#[cfg(test)]
mod tests {
    use super::*;
    use Piece::{Text, Token};

    #[test]
    fn the_longest_token_at_the_leftmost_place_is_cut_out() {
        let plain = |text: &str| AddedToken::from(text, true);
        let tokens = AddedTokens::new(vec![
            (plain("<a>"), 1),
            (plain("<a><b>"), 2),
            (plain("<m>").lstrip(true).rstrip(true), 3),
            (plain("!").single_word(true), 4),
        ]);
        assert_eq!(tokens.split("x<a>y<a><b>"), [Text("x"), Token(1), Text("y"), Token(2)]);
        assert_eq!(tokens.split("é <m>  ü"), [Text("é"), Token(3), Text("ü")]);
        assert_eq!(tokens.split("hi! ! "), [Text("hi! "), Token(4), Text(" ")]);
        assert_eq!(tokens.split(""), []);
    }
}
