"""Fetches the emoji sets from npm and unpacks them: `fetch.py FOLDER`."""

import subprocess
import sys
import tarfile
from pathlib import Path

# Exact versions: a caption list and a trained model belong to these pictures.
PACKAGES = {
    "noto": "@iconify-json/noto@1.2.9",
    "noto-v1": "@iconify-json/noto-v1@1.2.5",
    "fluent-flat": "@iconify-json/fluent-emoji-flat@1.2.6",
    "fluent": "@iconify-json/fluent-emoji@1.2.7",
    "fxemoji": "@iconify-json/fxemoji@1.2.2",
    "emojibase": "emojibase-data@17.0.0",
}


def fetch(folder: Path) -> None:
    for name, package in PACKAGES.items():
        target = folder / name
        if (target / "package.json").exists():
            continue
        target.mkdir(parents=True, exist_ok=True)
        packed = subprocess.run(
            ["npm", "pack", "--silent", package], cwd=folder, check=True, capture_output=True, text=True
        )
        archive = folder / packed.stdout.strip().splitlines()[-1]
        with tarfile.open(archive) as tar:
            for member in tar.getmembers():
                member.name = member.name.partition("/")[2]
                if member.name:
                    tar.extract(member, target, filter="data")
        print(f"{package}: {archive.stat().st_size / 1e6:.1f} MB")


if __name__ == "__main__":
    fetch(Path(sys.argv[1]))
