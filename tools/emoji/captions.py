"""Writes the list of names, captions and tags: `captions.py PACKAGES captions.tsv`."""

import csv
import json
import sys
from pathlib import Path

from names import STYLES, all_icons, spelling

# Names that read better without an article, besides plurals.
BARE = ("face-with", "grinning", "smiling", "family", "input", "keycap", "digit", "letter", "japanese", "selfie")


def phrase(name: str) -> str:
    """What a prompt says: `red-apple` is "a red apple", `flag-france` "the flag of france"."""
    words = name.replace("-", " ")
    if name.startswith("flag-"):
        return "the flag of " + words[5:]
    if name.endswith("-oclock"):
        return f"a clock showing {words[:-7]} o'clock"
    if name.endswith("-thirty") and name.count("-") == 1:
        return f"a clock showing {words}"
    plural = words.endswith("s") and not words.endswith(("ss", "us", "is"))
    if plural or name.endswith("button") and name.startswith(BARE) or name.startswith(("keycap-", "digit-", "letter-")):
        return words
    return ("an " if words[0] in "aeiou" and not words.startswith(("uni", "one", "eu")) else "a ") + words


def tags(folder: Path) -> dict[str, list[str]]:
    """Name to emojibase's tags, through the code points that the sets give for their names."""
    base = {entry["hexcode"].replace("-FE0F", ""): entry for entry in json.loads((folder / "emojibase/en/data.json").read_text())}
    found = {}
    for style in ("noto", "fluent-flat"):
        for code, name in json.loads((folder / style / "chars.json").read_text()).items():
            entry = base.get(code.upper().replace("-FE0F", ""))
            if entry:
                found.setdefault(spelling(name), [tag.lower() for tag in entry.get("tags", [])])
    return found


def write(folder: Path, target: Path) -> None:
    sets = all_icons(folder)
    tagged = tags(folder)
    names = sorted(set().union(*sets.values()))
    with target.open("w", newline="") as file:
        out = csv.writer(file, delimiter="\t", lineterminator="\n")
        out.writerow(["name", "caption", "styles", "tags"])
        for name in names:
            styles = [style for style in STYLES if name in sets[style]]
            words = set(name.split("-"))
            extra = [tag for tag in tagged.get(name, []) if tag not in words][:6]
            out.writerow([name, phrase(name), ",".join(styles), ",".join(extra)])
    counts = {style: len(found) for style, found in sets.items()}
    three = sum(1 for name in names if sum(name in found for found in sets.values()) >= 3)
    print(f"{len(names)} names, {three} in three styles or more; pictures: {counts}, {sum(counts.values())} in all")


if __name__ == "__main__":
    write(Path(sys.argv[1]), Path(sys.argv[2]))
