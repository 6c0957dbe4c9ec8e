"""The exporter: Programs in, Inductor packages out. `tintype aot compile` runs it, hands it jobs and reads what it prints.

    python EXPORTER

Jobs come on standard input, a JSON object a line: `job`, a number that is given back with all that is told of it; `program`, a
file with a Program, or with a template of Programs of several sizes; `folder`, which is empty and becomes a package; `log`, a file for
what compilers print; `scratch`, an empty folder for what they write on the way; `identity`, what goes into the manifest as it is;
`device`; `threads`, how many processes may compile its kernels; and `options`, Inductor's own by name. What becomes of them is told on
standard output, an object a line. When standard input ends, so does this, and every job that is not done.

Importing torch and its compiler takes many seconds, so that is done once, and each job by a process forked from here.
"""

from __future__ import annotations

import os
import selectors
import signal
import sys

# Before torch is there: no process that will fork may touch a device, and workers are forked from what is imported already.
os.environ.setdefault("PYTORCH_NVML_BASED_CUDA_CHECK", "1")
os.environ.setdefault("TORCHINDUCTOR_WORKER_START", "fork")

import atexit
import ctypes
import json
import traceback
from pathlib import Path
from typing import Any, Callable

# A pipe takes 4096 bytes at once or not at all, so that lines of several processes stay whole: no text is longer than this.
LONGEST = 500


def tell(job: int, event: str, **details: Any) -> None:
    """One line for whoever started this."""
    os.write(OUT, f"{json.dumps({'job': job, 'event': event, **details})}\n".encode())


def shortened(text: str) -> list[str]:
    """The first lines of a text."""
    return [line[:LONGEST] for line in text.strip().splitlines()[:3]]


def preload() -> None:
    """Imports what exporting and compiling use."""
    import torch
    import torch._dynamo  # noqa: F401
    import torch._inductor.async_compile  # noqa: F401
    import torch._inductor.codegen.cpp_wrapper_gpu  # noqa: F401
    import torch._inductor.compile_fx  # noqa: F401
    import torch._inductor.lowering  # noqa: F401
    import torch.export  # noqa: F401

    import package  # noqa: F401

    assert not torch.cuda.is_initialized()


def know_the_processor() -> None:
    """Finds out what of the processor's vectors the compiler knows. Each kind takes a compile and a Python with torch: they are tried
    side by side, and once for all jobs."""
    import concurrent.futures

    from torch._inductor import cpu_vec_isa

    has = cpu_vec_isa.x86_isa_checker()
    kinds = [kind for kind in cpu_vec_isa.supported_vec_isa_list if all(flag in has for flag in str(kind).split())]
    with concurrent.futures.ThreadPoolExecutor() as pool:
        list(pool.map(bool, kinds))
    cpu_vec_isa.valid_vec_isa_list()


def pass_over_the_processor() -> None:
    """Of a GPU's package the host runs no more than launches: what every compiler knows will do, and nothing is tried."""
    import torch._inductor.config
    from torch._inductor import cpu_vec_isa

    torch._inductor.config.cpp.vec_isa_ok = True
    # Some kinds are tried all the same.
    cpu_vec_isa.supported_vec_isa_list = [kind for kind in cpu_vec_isa.supported_vec_isa_list if str(kind) == "avx2"]


def spare(sooner: Callable[[], None], job: int) -> None:
    """Does what saves time and no more: it uses names that are torch's own affair, and without them each package takes longer."""
    try:
        sooner()
    except Exception as error:  # noqa: BLE001 - whatever it is, packages can be made without
        tell(job, "note", text=f"compiling takes longer: {type(error).__name__}: {error}"[:LONGEST])


def hire(threads: int) -> None:
    """Forks the processes that Triton's kernels are compiled in, before this one touches the device."""
    import torch._inductor.config
    from torch._inductor.async_compile import AsyncCompile

    torch._inductor.config.compile_threads = threads
    if threads > 1:
        AsyncCompile.process_pool().submit(AsyncCompile._get_ready).result()


def measure_alone() -> None:
    """Has kernels timed while no other package's are: jobs share the device, and a kernel beside another is slower than it is."""
    import fcntl

    from torch._inductor.runtime.benchmarking import benchmarker

    timed = benchmarker.benchmark_gpu
    # Opened by each job for itself: locks of a file that was opened before the fork would be one.
    turn = os.open(__file__, os.O_RDONLY | os.O_CLOEXEC)

    def alone(*arguments: Any, **options: Any) -> Any:
        fcntl.flock(turn, fcntl.LOCK_EX)
        try:
            return timed(*arguments, **options)
        finally:
            fcntl.flock(turn, fcntl.LOCK_UN)

    benchmarker.benchmark_gpu = alone


def is_gpu(asked: dict[str, Any]) -> bool:
    return asked["device"].startswith("cuda")


def work(asked: dict[str, Any]) -> None:
    """One job, in a process of its own."""
    log = os.open(asked["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    os.dup2(log, 1)
    os.dup2(log, 2)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    from package import build
    from reader import read

    def told(event: str, **details: Any) -> None:
        tell(asked["job"], event, **details)

    try:
        if is_gpu(asked):
            # Inductor lays a kernel's object file beside the kernel, which packages share, and removes it when it is linked: one job would
            # take it from another. The CPU's share headers there, and lay nothing beside them.
            os.environ["TORCHINDUCTOR_CACHE_DIR"] = asked["scratch"]
            spare(pass_over_the_processor, asked["job"])
            spare(measure_alone, asked["job"])
            hire(asked["threads"])
        text = Path(asked["program"]).read_text()
        template = json.loads(text)
        if "program" in template:
            text = json.dumps(template["program"])
        else:
            template = None
        build(read(text), asked["identity"], asked["device"], asked["options"], Path(asked["folder"]), told, template)
        told("done")
    except Exception as error:  # noqa: BLE001 - whatever it is, it is told in short, and in full in the log
        traceback.print_exc()
        told("failed", error=type(error).__name__, reason=shortened(str(error)))


def die_with_parent() -> None:
    """Where the system can: a job does not outlive this process."""
    try:
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG
    except (OSError, AttributeError):
        pass


def serve() -> None:
    """Forks a process for each job that comes, and tells when it has ended."""
    from compiler import CompilerError, choose

    # Inductor reads `CXX` when it is imported.
    try:
        news, fault = choose(), None
    except CompilerError as error:
        news, fault = None, str(error)
    preload()
    woken, wake = os.pipe()
    os.set_blocking(wake, False)
    signal.set_wakeup_fd(wake)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    selector = selectors.DefaultSelector()
    selector.register(0, selectors.EVENT_READ)
    selector.register(woken, selectors.EVENT_READ)
    running: dict[int, int] = {}
    pending, is_open, knows_the_processor = b"", True, False
    while is_open or running:
        for key, _ in selector.select():
            read = os.read(key.fd, 1 << 16)
            if key.fd == woken:
                continue
            if not read:
                is_open = False
                selector.unregister(0)
                # Who asked has ended: nobody waits for what is not done.
                for child in running:
                    os.kill(child, signal.SIGKILL)
            *lines, pending = (pending + read).split(b"\n")
            for line in lines:
                asked = json.loads(line)
                if fault is not None:
                    tell(asked["job"], "failed", error="CompilerError", reason=shortened(fault))
                    tell(asked["job"], "ended", status=1)
                    continue
                if news is not None:
                    tell(asked["job"], "note", text=news[:LONGEST])
                    news = None
                if not is_gpu(asked) and not knows_the_processor:
                    spare(know_the_processor, asked["job"])
                    knows_the_processor = True
                child = os.fork()
                if child == 0:
                    signal.set_wakeup_fd(-1)
                    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
                    die_with_parent()
                    status = 1
                    try:
                        work(asked)
                        status = 0
                    finally:
                        # What compilers started ends with their handlers, which a plain exit would pass over.
                        atexit._run_exitfuncs()
                        os._exit(status)
                running[child] = asked["job"]
        while running:
            child, status = os.waitpid(-1, os.WNOHANG)
            if child == 0:
                break
            if child in running:
                tell(running.pop(child), "ended", status=os.waitstatus_to_exitcode(status))


OUT = 1

if __name__ == "__main__":
    # Libraries may print as well: that goes to standard error, and what is told to the real standard output.
    OUT = os.dup(1)
    os.dup2(2, 1)
    try:
        serve()
    except KeyboardInterrupt:
        sys.exit(130)
