"""The C++ compiler that Inductor's code is compiled with."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

# Names its library of C++ where it is linked as one.
SHARED = (b"libstdc++.so", b"libc++.so")
TRIAL = '#include <iostream>\n#include <string>\nvoid trial(const std::string &text) { std::cout << text << std::endl; }\n'


class CompilerError(RuntimeError):
    """No compiler makes libraries that PyTorch can load."""


def shares_its_library(code: bytes) -> bool:
    """Whether a library leaves C++'s own to be shared with libtorch. PyTorch's loader crashes on one that brings its own."""
    return any(name in code for name in SHARED)


def fault_of(compiler: str) -> str | None:
    """What is wrong with a compiler, if anything."""
    with tempfile.TemporaryDirectory() as folder:
        source, library = Path(folder, "trial.cpp"), Path(folder, "trial.so")
        source.write_text(TRIAL)
        command = [*compiler.split(), "-shared", "-fPIC", "-o", str(library), str(source)]
        try:
            done = subprocess.run(command, capture_output=True, text=True, check=False)
        except OSError as error:
            return str(error)
        if done.returncode != 0:
            return (done.stderr.strip().splitlines() or [f"it ended with {done.returncode}"])[-1]
        if not shares_its_library(library.read_bytes()):
            return "it links the C++ library statically, and PyTorch's loader crashes on such code"
    return None


def choose() -> str | None:
    """Sees to it that `CXX` names a compiler that will do. What is to be told of it, if anything."""
    named = os.environ.get("CXX")
    faults = []
    for compiler in dict.fromkeys(filter(None, [named, shutil.which("g++", path="/usr/bin"), "g++", "clang++"])):
        fault = fault_of(compiler)
        if fault is None:
            os.environ["CXX"] = compiler
            return None if compiler == named or not named else f"with {compiler} in place of CXX: {'; '.join(faults)}"
        faults.append(f"{compiler}: {fault}")
    raise CompilerError(f"no C++ compiler: {'; '.join(faults)}. Install g++, or set CXX to another compiler")
