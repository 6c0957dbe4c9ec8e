"""The captions that training sees for a picture: the list's own most of the time, and other ways to say it."""

import csv
from dataclasses import dataclass
from pathlib import Path

from names import STYLES


@dataclass
class Entry:
    name: str
    caption: str
    styles: list[str]
    tags: list[str]


def read(path: Path) -> list[Entry]:
    with path.open(newline="") as file:
        rows = csv.DictReader(file, delimiter="\t")
        split = lambda text: [part for part in text.split(",") if part]
        return [Entry(row["name"], row["caption"], split(row["styles"]), split(row["tags"])) for row in rows]


def prompt(entry: Entry, style: str) -> str:
    """The prompt that asks for this picture."""
    return f"{entry.caption}, {STYLES[style]}"


def variants(entry: Entry, style: str) -> list[tuple[str, float]]:
    """Captions and how often each is seen, in all 1. Without a style the first set that has the name is meant."""
    named = STYLES[style]
    bare = entry.caption.removeprefix("a ").removeprefix("an ").removeprefix("the ")
    plain = [tag for tag in entry.tags if tag.isascii()]
    said = [(prompt(entry, style), 0.5), (f"{bare}, {named}", 0.2), (f"an emoji of {entry.caption}, {named}", 0.05)]
    if plain:
        said.append((f"{entry.caption}, {', '.join(plain[:2])}, {named}", 0.1))
        said.append((f"{bare}, {', '.join(plain[2:5] or plain[:1])}, {named}", 0.05))
    if style == entry.styles[0]:
        said += [(entry.caption, 0.25), (bare, 0.1), (f"an emoji of {entry.caption}", 0.03)]
    total = sum(share for _, share in said)
    return [(text, share / total) for text, share in said]
