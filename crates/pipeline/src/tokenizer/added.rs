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
        // What is not yet in a piece, and where in it a token is looked for.
        let (mut open, mut at) = (text, 0usize);
        while let Some((before, rest)) = open.split_at_checked(at).filter(|(_, rest)| !rest.is_empty()) {
            let last = before.chars().next_back().or_else(|| last_before(text, open));
            let found = self.0.iter().find_map(|(token, id)| {
                let after = rest.strip_prefix(token.content.as_str())?;
                (!token.single_word || stands_alone(last, after)).then_some((token, *id, after))
            });
            let Some((token, id, after)) = found else {
                at = at.saturating_add(rest.chars().next().map_or(1, char::len_utf8));
                continue;
            };
            let before = if token.lstrip { before.trim_end() } else { before };
            if !before.is_empty() {
                pieces.push(Piece::Text(before));
            }
            pieces.push(Piece::Token(id));
            open = if token.rstrip { after.trim_start() } else { after };
            at = 0;
        }
        if !open.is_empty() {
            pieces.push(Piece::Text(open));
        }
        pieces
    }
}

/// The character of `text` before its end `rest`.
fn last_before(text: &str, rest: &str) -> Option<char> {
    let (before, _) = text.split_at_checked(text.len().checked_sub(rest.len())?)?;
    before.chars().next_back()
}

/// True where only spaces or the ends of the text touch a token.
fn stands_alone(before: Option<char>, after: &str) -> bool {
    before.is_none_or(|c| c == ' ') && after.chars().next().is_none_or(|c| c == ' ')
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
