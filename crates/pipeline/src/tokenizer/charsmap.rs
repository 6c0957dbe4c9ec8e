//! SentencePiece's precompiled character map, checked before the tokenizers crate walks it.
//!
//! Layout: a little-endian u32 that is the trie's size in bytes, the trie (a Darts double array of u32 units), then
//! UTF-8 replacements, each ended by NUL. The crate indexes both without checks, so a broken map would stop the
//! program; here every unit that a walk can reach is visited once, and every leaf must point at a replacement.

use tokenizers::normalizers::Precompiled;

/// Reads a map that has been found sound.
pub(super) fn read(bytes: &[u8]) -> Result<Precompiled, String> {
    check(bytes)?;
    Precompiled::from(bytes).map_err(|error| error.to_string())
}

/// The map is base64 in `tokenizer.json`.
pub(super) fn check_base64(text: &str) -> Result<(), String> {
    check(&decode_base64(text).ok_or("the precompiled_charsmap is not base64")?)
}

fn check(bytes: &[u8]) -> Result<(), String> {
    let sound = parts(bytes).and_then(|(units, replacements)| walk(&units, replacements));
    sound.ok_or_else(|| "the precompiled_charsmap is damaged".into())
}

fn parts(bytes: &[u8]) -> Option<(Vec<u32>, &str)> {
    let (size, rest) = bytes.split_first_chunk::<4>()?;
    let size = usize::try_from(u32::from_le_bytes(*size)).ok()?;
    let (trie, replacements) = rest.split_at_checked(size - size % 4)?;
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
    let mut bytes = Vec::with_capacity(text.len() / 4 * 3 + 2);
    let (mut bits, mut held) = (0u32, 0);
    for c in text.bytes() {
        let value = match c {
            b'A'..=b'Z' => c - b'A',
            b'a'..=b'z' => c - b'a' + 26,
            b'0'..=b'9' => c - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => return None,
        };
        bits = bits << 6 | u32::from(value);
        held += 6;
        if held >= 8 {
            held -= 8;
            bytes.push((bits >> held) as u8);
        }
    }
    Some(bytes)
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
        assert!(decode_base64("a b").is_none());
    }
}
