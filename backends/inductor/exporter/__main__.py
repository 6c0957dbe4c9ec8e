"""The exporter: Programs in, Inductor packages out. `tintype aot compile` runs it and reads what it prints, an object a line.

    python EXPORTER about
    python EXPORTER compile PROGRAM.json FOLDER REQUEST.json

`about` tells of torch and its compiler. `compile` fills an empty FOLDER with a package of a Program, or of a template of Programs
of several sizes; REQUEST has `identity` (what goes into
the manifest as it is), `device` and `options` (Inductor's own, by name).
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any


def tell(event: str, **details: Any) -> None:
    """One line for whoever started this."""
    print(json.dumps({"event": event, **details}), flush=True)


def about() -> None:
    import torch

    version = ".".join(torch.__version__.split("+")[0].split(".")[:3])
    tell("about", torch=version, build=torch.__version__, python=sys.version.split()[0])


def compile_one(program: Path, folder: Path, request: Path) -> None:
    from package import build
    from reader import read

    asked, text = json.loads(request.read_text()), program.read_text()
    template = json.loads(text)
    if "program" in template:
        made_of, text = template, json.dumps(template["program"])
    else:
        made_of = None
    made = build(read(text), asked["identity"], asked["device"], asked["options"], folder, tell, made_of)
    tell("done", seconds=made["seconds"], files=made["files"])


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    verbs = parser.add_subparsers(dest="verb", required=True)
    verbs.add_parser("about")
    compiling = verbs.add_parser("compile")
    for name in ("program", "folder", "request"):
        compiling.add_argument(name, type=Path)
    arguments = parser.parse_args()
    try:
        if arguments.verb == "about":
            about()
        else:
            compile_one(arguments.program, arguments.folder, arguments.request)
    except Exception as error:  # noqa: BLE001 - whatever it is, it is told in one line, and in full below
        tell("failed", error=type(error).__name__, reason=str(error).strip().splitlines()[:3])
        raise
    return 0


if __name__ == "__main__":
    sys.exit(main())
