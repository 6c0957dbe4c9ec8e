//! SentencePiece's precompiled character map, checked before the tokenizers crate walks it.
//!
//! Layout: a little-endian u32 that is the trie's size in bytes, the trie (a Darts double array of u32 units), then
//! UTF-8 replacements, each ended by NUL. The crate indexes both without checks, so a broken map would stop the
//! program; here every unit that a walk can reach is visited once, and every leaf must point at a replacement.

use super::vet::vet_growth;
use tokenizers::normalizers::Precompiled;

/// Reads a map that has been found sound, and of which a character becomes no more than a few.
pub(super) fn read(bytes: &[u8]) -> Result<Precompiled, String> {
    vet_growth(check(bytes)?)?;
    Precompiled::from(bytes).map_err(|error| error.to_string())
}

/// The map is base64 in `tokenizer.json`. Gives the most bytes that a byte of text becomes.
pub(super) fn check_base64(text: &str) -> Result<usize, String> {
    check(&decode_base64(text).ok_or("the precompiled_charsmap is not base64")?)
}

fn check(bytes: &[u8]) -> Result<usize, String> {
    let longest = parts(bytes).and_then(|(units, replacements)| {
        walk(&units, replacements)?;
        replacements.split('\0').map(str::len).max()
    });
    longest.ok_or_else(|| "the precompiled_charsmap is damaged".into())
}

fn parts(bytes: &[u8]) -> Option<(Vec<u32>, &str)> {
    let (size, rest) = bytes.split_first_chunk::<4>()?;
    let size = usize::try_from(u32::from_le_bytes(*size)).ok()?;
    let (trie, replacements) = rest.split_at_checked(size & !3)?;
    let units = trie.chunks_exact(4).filter_map(|unit| Some(u32::from_le_bytes(*unit.first_chunk()?)));
    Some((units.collect(), std::str::from_utf8(replacements).ok()?))
}

fn offset(unit: u32) -> usize {
    (unit as usize >> 10) << ((unit & (1 << 9)) >> 6)
}

/// None if any walk from the root leaves the array or the replacements.
fn walk(units: &[u32], replacements: &str) -> Option<()> {
    let mut seen = vec![false; units.len()];
    let mut open = vec![offset(*units.first()?)];
    while let Some(node) = open.pop() {
        // Any byte may follow, so the whole block of 256 must be there.
        if node | 0xFF >= units.len() {
            return None;
        }
        if std::mem::replace(seen.get_mut(node)?, true) {
            continue;
        }
        for byte in 1..=255usize {
            let at = node ^ byte;
            let unit = *units.get(at)?;
            if unit as usize & (1 << 31 | 0xFF) != byte {
                continue;
            }
            let next = at ^ offset(unit);
            if unit >> 8 & 1 == 1 {
                let value = units.get(next)? & ((1 << 31) - 1);
                replacements.get(value as usize..)?;
            }
            open.push(next);
        }
    }
    Some(())
}

fn decode_base64(text: &str) -> Option<Vec<u8>> {
    let text = text.trim_end_matches('=');
    let mut bytes = Vec::with_capacity(text.len());
    for four in text.as_bytes().chunks(4) {
        let mut bits = 0u32;
        for c in four {
            bits = bits << 6 | sextet(*c)?;
        }
        // Of 4 characters come 3 bytes, of 3 two, of 2 one, in the upper bits of 24.
        let (shift, count) = match four.len() {
            4 => (0, 3),
            3 => (6, 2),
            2 => (12, 1),
            _ => return None,
        };
        bytes.extend((bits << shift).to_be_bytes().into_iter().skip(1).take(count));
    }
    Some(bytes)
}

fn sextet(c: u8) -> Option<u32> {
    let (start, value) = match c {
        b'A'..=b'Z' => (b'A', 0u32),
        b'a'..=b'z' => (b'a', 26),
        b'0'..=b'9' => (b'0', 52),
        b'+' => (b'+', 62),
        b'/' => (b'/', 63),
        _ => return None,
    };
    Some(value.saturating_add(c.abs_diff(start).into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A map with one rule, `a` to `b`: the root's block is the second, the leaf's the third.
    fn map() -> Vec<u8> {
        let mut units = vec![0u32; 768];
        units[0] = 256 << 10;
        let at = 256 ^ usize::from(b'a');
        units[at] = ((at ^ 512) as u32) << 10 | 1 << 8 | u32::from(b'a');
        units[512] = 2;
        let mut bytes = (768u32 * 4).to_le_bytes().to_vec();
        bytes.extend(units.iter().flat_map(|unit| unit.to_le_bytes()));
        bytes.extend_from_slice(b"\0\0b\0");
        bytes
    }

    #[test]
    fn a_sound_map_is_read() {
        let map = read(&map()).unwrap();
        assert_eq!(map.normalize_string("cab"), "cbb");
    }

    #[test]
    fn no_damage_makes_the_walk_panic() {
        let whole = map();
        for cut in [0, 3, 4, 100, 1028, 3075] {
            assert!(read(&whole[..cut]).is_err(), "{cut}");
        }
        for place in 0..whole.len() {
            for bit in 0..8 {
                let mut broken = whole.clone();
                broken[place] ^= 1 << bit;
                if let Ok(map) = read(&broken) {
                    let _ = map.normalize_string("abcdefghijklmnopqrstuvwxyz é 日本");
                }
            }
        }
    }

    #[test]
    fn base64_is_decoded() {
        assert_eq!(decode_base64("aGVhcnQ=").unwrap(), b"heart");
        assert_eq!(decode_base64("").unwrap(), b"");
        assert_eq!(decode_base64("+/+/AA==").unwrap(), [0xfb, 0xff, 0xbf, 0]);
        assert!(decode_base64("a b").is_none());
        assert!(decode_base64("aGVhc").is_none());
    }
}
