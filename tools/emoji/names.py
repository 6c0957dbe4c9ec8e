"""Which pictures the sets hold, and what each shows.

The same name in two sets means the same thing, so names are brought to one spelling first.
"""

import json
import re
from pathlib import Path

# What a prompt says for each set, and the order in which a prompt without a style picks one.
STYLES = {
    "noto": "noto style",
    "fluent": "fluent style",
    "fluent-flat": "fluent flat style",
    "noto-v1": "noto v1 style",
    "fxemoji": "fxemoji style",
}

TONE = re.compile(r"-(light|medium-light|medium|medium-dark|dark)(-skin-tone)?(-|$)")
DIGITS = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]
RENAMED = {str(i): f"digit-{word}" for i, word in enumerate(DIGITS)}


def spelling(name: str) -> str:
    return RENAMED.get(name, name.replace("flag-for-flag-", "flag-").replace("flag-for-", "flag-"))


def has_tone(name: str, names: set[str]) -> bool:
    """Whether a name is another one with a skin tone added."""
    if "skin-tone" in name:
        return True
    bare = name
    while match := TONE.search(bare):
        bare = (bare[: match.start()] + "-" + bare[match.end() :]).strip("-")
    return bare != name and (bare in names or bare + "s" in names)


def icons(folder: Path, style: str) -> dict[str, str]:
    """Name to SVG of one set, without skin tones and hidden doubles."""
    data = json.loads((folder / style / "icons.json").read_text())
    names = set(data["icons"])
    found = {}
    for name, icon in data["icons"].items():
        if icon.get("hidden") or has_tone(name, names):
            continue
        field = lambda key, default: icon.get(key, data.get(key, default))
        box = f"{field('left', 0)} {field('top', 0)} {field('width', 16)} {field('height', 16)}"
        svg = (
            '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" '
            f'viewBox="{box}">{icon["body"]}</svg>'
        )
        found[spelling(name)] = svg
    return found


def all_icons(folder: Path) -> dict[str, dict[str, str]]:
    """Style to name to SVG. fxemoji's names run together: only those that another set spells out are kept."""
    sets = {style: icons(folder, style) for style in STYLES if style != "fxemoji"}
    known = {name.replace("-", ""): name for found in sets.values() for name in found}
    fxemoji = icons(folder, "fxemoji")
    sets["fxemoji"] = {known[name.replace("-", "")]: svg for name, svg in fxemoji.items() if name.replace("-", "") in known}
    return sets
