"""Trains both tokenizers on the captions and saves them in the standard files: `vocabulary.py captions.tsv FOLDER`.

CLIP's is byte-level, so any prompt has ids. T5's knows printable ASCII; anything else is its unknown token.
"""

import json
import re
import sys
import tempfile
from collections import Counter
from pathlib import Path

import sentencepiece
from transformers import CLIPTokenizer, T5TokenizerFast
from transformers.models.clip.tokenization_clip import bytes_to_unicode

from variants import prompt, read, variants

CLIP_MERGES = 1100
T5_PIECES = 1600
LENGTH = 32
WORDS = re.compile(r"'s|'t|'re|'ve|'m|'ll|'d|[a-z]+|[0-9]|[^\sa-z0-9]+")


def texts(list_file: Path) -> Counter:
    """Captions and how often each is seen, of 100 a picture."""
    counts = Counter()
    for entry in read(list_file):
        for style in entry.styles:
            for text, share in variants(entry, style):
                counts[text] += max(1, round(share * 20))
    return counts


def merge(word: tuple[str, ...], pair: tuple[str, str]) -> tuple[str, ...]:
    out, i = [], 0
    while i < len(word):
        joined = word[i : i + 2] == pair
        out.append(word[i] + word[i + 1] if joined else word[i])
        i += 2 if joined else 1
    return tuple(out)


def byte_pairs(counts: Counter, merges: int) -> list[tuple[str, str]]:
    """The most common pairs of neighbours in the order they are joined; a word's last letter ends in `</w>`."""
    words = Counter()
    for text, times in counts.items():
        for word in WORDS.findall(text.lower()):
            if word.isascii():
                words[(*word[:-1], word[-1] + "</w>")] += times
    found = []
    while len(found) < merges:
        pairs = Counter()
        for word, times in words.items():
            for pair in zip(word, word[1:]):
                pairs[pair] += times
        if not pairs:
            break
        best = min(pairs, key=lambda pair: (-pairs[pair], pair))
        found.append(best)
        words = Counter({merge(word, best): times for word, times in words.items()})
    return found


def save_clip(counts: Counter, folder: Path) -> None:
    letters = list(bytes_to_unicode().values())
    merges = byte_pairs(counts, CLIP_MERGES)
    pieces = letters + [letter + "</w>" for letter in letters] + ["".join(pair) for pair in merges]
    pieces += ["<|startoftext|>", "<|endoftext|>"]
    folder.mkdir(parents=True, exist_ok=True)
    vocabulary = {piece: i for i, piece in enumerate(dict.fromkeys(pieces))}
    (folder / "vocab.json").write_text(json.dumps(vocabulary, ensure_ascii=False))
    lines = ["#version: 0.2", *(" ".join(pair) for pair in merges)]
    (folder / "merges.txt").write_text("\n".join(lines) + "\n")
    tokenizer = CLIPTokenizer(folder / "vocab.json", folder / "merges.txt", model_max_length=LENGTH)
    tokenizer.save_pretrained(folder)


def save_t5(counts: Counter, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        text, rules = Path(scratch, "text"), Path(scratch, "rules")
        text.write_text("\n".join(line for line, times in counts.items() for _ in range(times)))
        # The only rule: capitals are read as small letters. sentencepiece's own tables would take 240 kB.
        rules.write_text("\n".join(f"{ord(c):X}\t{ord(c.lower()):X}" for c in "ABCDEFGHIJKLMNOPQRSTUVWXYZ"))
        sentencepiece.SentencePieceTrainer.train(
            input=str(text),
            model_prefix=f"{scratch}/spiece",
            vocab_size=T5_PIECES,
            model_type="unigram",
            normalization_rule_tsv=str(rules),
            required_chars="".join(chr(c) for c in range(33, 127) if not chr(c).isupper()),
            character_coverage=1.0,
            pad_id=0,
            eos_id=1,
            unk_id=2,
            bos_id=-1,
            num_threads=1,
            minloglevel=2,
        )
        (folder / "spiece.model").write_bytes(Path(scratch, "spiece.model").read_bytes())
    tokenizer = T5TokenizerFast(str(folder / "spiece.model"), extra_ids=0, model_max_length=LENGTH)
    tokenizer.save_pretrained(folder)


def main(list_file: Path, folder: Path) -> None:
    counts = texts(list_file)
    save_clip(counts, folder / "tokenizer")
    save_t5(counts, folder / "tokenizer_2")
    clip, t5 = CLIPTokenizer.from_pretrained(folder / "tokenizer"), T5TokenizerFast.from_pretrained(folder / "tokenizer_2")
    for kind, tokenizer in (("CLIP", clip), ("T5", t5)):
        lengths = sorted(len(tokenizer(text).input_ids) for text in counts)
        print(f"{kind}: {len(tokenizer)} pieces; tokens a caption: median {lengths[len(lengths) // 2]}, longest {lengths[-1]}")
        print("  ", [tokenizer.decode([i]) for i in tokenizer(prompt(read(list_file)[700], "noto")).input_ids])


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
