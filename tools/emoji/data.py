"""What training reads: pictures and the ids of their captions. `data.py captions.tsv TOKENIZERS IDS.npz` writes the ids."""

import sys
from pathlib import Path

import numpy as np
import torch

from model import TOKENS
from render import load

VARIANTS = 8


def write_ids(list_file: Path, tokenizers: Path, target: Path) -> None:
    from transformers import CLIPTokenizer, T5TokenizerFast

    from variants import read, variants

    clip = CLIPTokenizer.from_pretrained(tokenizers / "tokenizer")
    t5 = T5TokenizerFast.from_pretrained(tokenizers / "tokenizer_2")
    keys, texts, shares = [], [], []
    for entry in read(list_file):
        for style in entry.styles:
            said = variants(entry, style)
            said += [("", 0.0)] * (VARIANTS - len(said))
            keys.append(f"{entry.name}/{style}")
            texts += [text for text, _ in said]
            shares.append(np.cumsum([share for _, share in said]))
    padded = dict(padding="max_length", max_length=TOKENS, truncation=True, return_tensors="np")
    ids = lambda tokenizer, lines: tokenizer(lines, **padded).input_ids.astype(np.int16)
    np.savez_compressed(
        target,
        keys=np.array(keys),
        shares=np.array(shares, np.float32),
        clip=ids(clip, texts).reshape(-1, VARIANTS, TOKENS),
        t5=ids(t5, texts).reshape(-1, VARIANTS, TOKENS),
        empty=np.stack([ids(clip, [""])[0], ids(t5, [""])[0]]),
        sizes=np.array([len(clip), len(t5), clip.bos_token_id, clip.eos_token_id]),
    )


class Data:
    """Everything on one device: `pictures` `[n, 3, 128, 128]` of 8 bits, ids `[n, variants, tokens]`."""

    def __init__(self, pictures: Path, ids: Path, device: str, limit: int | None = None):
        names, styles, pixels = load(pictures)
        with np.load(ids) as file:
            row = {key: i for i, key in enumerate(file["keys"].tolist())}
            rows = [row[f"{name}/{style}"] for name, style in zip(names, styles)]
            put = lambda array, kind: torch.tensor(array).to(device, kind)
            keep = slice(0, limit)
            self.shares = put(file["shares"][rows][keep], torch.float32)
            self.clip = put(file["clip"][rows][keep], torch.long)
            self.t5 = put(file["t5"][rows][keep], torch.long)
            self.empty = put(file["empty"], torch.long)
            self.vocabulary = file["sizes"].tolist()
        self.names, self.styles = names[:limit], styles[:limit]
        self.pictures = put(pixels[keep], torch.uint8).permute(0, 3, 1, 2).contiguous()
        self.count = len(self.names)

    def pixels(self, index: torch.Tensor) -> torch.Tensor:
        """Pictures from -1 to 1."""
        return self.pictures[index].float() / 127.5 - 1


if __name__ == "__main__":
    write_ids(Path(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3]))
