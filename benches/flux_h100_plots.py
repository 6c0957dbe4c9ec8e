"""Plots of flux_h100.py, as SVG. Without matplotlib there are none, and that is told."""

import sys
from pathlib import Path

try:
    import matplotlib

    matplotlib.use("svg")
    matplotlib.rcParams["svg.hashsalt"] = "tintype"  # the same file for the same numbers
    from matplotlib import pyplot
except ImportError:
    pyplot = None


def save(figure, path: Path) -> None:
    figure.tight_layout()
    figure.savefig(path, metadata={"Date": None})
    pyplot.close(figure)


def missing(what: str) -> bool:
    if pyplot is None:
        print(f"no plot of {what}: matplotlib is not installed", file=sys.stderr)
    return pyplot is None


def cold(folder: Path, result: dict) -> None:
    """What a start is spent on: a bar from each mark to the next, and the vendor's own parts below."""
    if missing("cold"):
        return
    startup = result["startup"]
    figure, axes = pyplot.subplots(figsize=(8, 5))
    labels, since = [], 0.0
    for mark in startup["marks"]:
        colour = "tab:orange" if mark["name"].endswith("loaded") else "tab:blue"
        axes.barh(len(labels), mark["at"] - since, left=since, color=colour)
        labels.append(mark["name"])
        since = mark["at"]
    since = 0.0
    for name, took in (startup["bare"] or {"made": []})["made"]:
        axes.barh(len(labels), took, left=since, color="tab:gray")
        labels.append(f"bare: {name}")
        since += took
    axes.axvline(startup["first_step"], color="black", linewidth=0.8)
    axes.set_xlim(0, 1.1 * max(startup["first_step"], since))  # the rest of the picture is no part of the start
    axes.set_yticks(range(len(labels)), labels)
    axes.invert_yaxis()
    axes.set_xlabel("seconds from the start; the line is the first step's end, orange is loading")
    save(figure, folder / "cold.svg")


def upload(folder: Path, summary: dict) -> None:
    """Rates of uploads, and of copies from page-locked memory."""
    if missing("upload"):
        return
    figure, axes = pyplot.subplots(figsize=(8, 4))
    rates = summary["gb_per_s"]
    axes.barh(range(len(rates)), list(rates.values()))
    axes.set_yticks(range(len(rates)), list(rates))
    axes.invert_yaxis()
    if "pinned_gb_per_s" in summary:
        axes.axvline(summary["pinned_gb_per_s"], color="black", label="page-locked memory")
        axes.axvline(0.8 * summary["pinned_gb_per_s"], color="black", linestyle=":", label="80% of that")
        axes.legend()
    axes.set_xlabel("GB/s to the device")
    save(figure, folder / "upload.svg")
