"""Two persistent processes that take turns, and what their paired times say."""

import json
import os
import random
import statistics
import subprocess
import time

PAUSE = 0.1  # seconds between turns: thread pools stop spinning long before


class Turns:
    """A process that runs once for each line and answers with seconds. The last thing it says is JSON."""

    def __init__(self, command: list[str], threads: int):
        environment = {**os.environ, "OMP_NUM_THREADS": str(threads), "MKL_NUM_THREADS": str(threads)}
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
        )
        self.expect_ready(command)

    def expect_ready(self, command: list[str]) -> None:
        line = self.process.stdout.readline().strip()
        if line != "ready":
            raise SystemExit(f"{' '.join(command)} said {line!r} in place of `ready`")

    def once(self) -> float:
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        return float(self.process.stdout.readline())

    def finish(self) -> dict:
        self.process.stdin.close()
        rest = self.process.stdout.read()
        if self.process.wait() != 0:
            raise SystemExit(f"{self.process.args[0]} ended with {self.process.returncode}")
        return json.loads(rest)


def alternate(first: Turns, second: Turns, rounds: int) -> list[tuple[float, float]]:
    """A, B, A, B and so on, never at once."""
    pairs = []
    for _ in range(rounds):
        time.sleep(PAUSE)
        a = first.once()
        time.sleep(PAUSE)
        pairs.append((a, second.once()))
    return pairs


def median_ratio(pairs: list[tuple[float, float]], draws: int = 10_000) -> dict:
    """The median of second / first, pair by pair, and the 95% interval of its bootstrap."""
    ratios = [b / a for a, b in pairs]
    generator = random.Random(0)
    medians = sorted(
        statistics.median(generator.choices(ratios, k=len(ratios))) for _ in range(draws)
    )
    low, high = medians[int(0.025 * draws)], medians[int(0.975 * draws) - 1]
    return {"median": statistics.median(ratios), "low": low, "high": high}
