"""Metrics beside other people's, in interleaved rounds: ratios and their spread, asserting nothing.

    python -m tests.bench.bench_metrics [--threads 1] [--rounds 5] [--runs runs/quickstart] [--out metrics-cpu.md]

Each round measures every implementation once, one after another, and gives one ratio for each peer, so that a load
which comes and goes falls on all of them. A row states the median ratio and the range of the rounds. With one thread
it is processor time that is measured, which a busy machine adds less to.
"""

from __future__ import annotations

import argparse
import json
import platform
import statistics
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import piq
import pytorch_msssim
import torch
from torch_fidelity.metric_fid import fid_features_to_statistics, fid_statistics_to_metric
from torchmetrics.functional.image import multiscale_structural_similarity_index_measure

from ablate.metrics import FrechetReference, extractor, frechet_distance, frechet_distance_moments, ms_ssim
from tests.metrics.pairs import noise

clock = time.process_time
Row = tuple[str, str, str]
"""What was measured, the median of this package, and what the rounds say."""
Call = Callable[[], object]


def rounds(ours: Mapping[str, Call], peers: Mapping[str, Call], count: int) -> list[Row]:
    """Measures everything once a round, this package first, and returns a row for each of ours and each peer."""
    seconds: dict[str, list[float]] = {name: [] for name in (*ours, *peers)}
    for _ in range(count):
        for name, call in (*ours.items(), *peers.items()):
            began = clock()
            call()
            seconds[name].append(clock() - began)
    rows = []
    for own in ours:
        for peer in peers:
            ratios = sorted(theirs / mine for theirs, mine in zip(seconds[peer], seconds[own], strict=True))
            told = f"{statistics.median(ratios):.1f}x ({ratios[0]:.1f} to {ratios[-1]:.1f})"
            rows.append((f"{own} against {peer}", f"{statistics.median(seconds[own]):.3g} s", told))
    return rows


def structure(count: int) -> list[Row]:
    """MS-SSIM of eight images of 256 x 256, all in float64, which is this package's accuracy."""
    random = torch.Generator().manual_seed(0)
    originals = torch.randint(256, (8, 3, 256, 256), dtype=torch.uint8, generator=random)
    altered = noise(originals.reshape(-1, 256, 256), 20).reshape(originals.shape)
    wide = [each.double() for each in (originals, altered)]
    unit = [each / 255 for each in wide]
    single = [each.float() for each in wide]
    peers = {
        "pytorch-msssim, float64": lambda: pytorch_msssim.ms_ssim(*wide, data_range=255),
        "piq, float64": lambda: piq.multi_scale_ssim(*unit, data_range=1.0),
        "torchmetrics, float64": lambda: multiscale_structural_similarity_index_measure(*wide, data_range=255.0),
        "pytorch-msssim, float32 (less accurate)": lambda: pytorch_msssim.ms_ssim(*single, data_range=255),
    }
    return rounds({"MS-SSIM": lambda: ms_ssim(originals, altered)}, peers, count)


def vectors(n: int, width: int, seed: int) -> np.ndarray:
    random = np.random.default_rng(seed)
    return random.normal(size=(n, width)) * np.geomspace(1, 0.05, width) + random.normal(size=width) / 10


def fidelity(a: np.ndarray, b: np.ndarray) -> float:
    statistics_of = [fid_features_to_statistics(torch.from_numpy(each)) for each in (a, b)]
    return fid_statistics_to_metric(*statistics_of, verbose=False)["frechet_inception_distance"]


def frechet(count: int) -> list[Row]:
    """The Fréchet distance from features, against torch-fidelity: more vectors than dimensions, and fewer."""
    rows: list[Row] = []
    for width in (1280, 2048):
        for n in (width // 4, 5 * width // 2):
            a, b, found = vectors(n, width, 0), vectors(n, width, 1), [0.0]
            reference = FrechetReference(a)
            truth = reference.distance(b)
            what = f"Fréchet distance, d = {width}, N = {n}"
            ours: dict[str, Call] = {
                what: lambda a=a, b=b: frechet_distance(a, b),
                f"{what}, reference kept,": lambda reference=reference, b=b: reference.distance(b),
            }
            peer = {"torch-fidelity": lambda a=a, b=b, found=found: found.append(fidelity(a, b))}
            rows += rounds(ours, peer, count)
            rows.append((f"{what}: torch-fidelity's difference", f"{truth:.9g}", f"{found[-1] - truth:.1e}"))
        moments = [(x.mean(axis=0), np.cov(x, rowvar=False)) for x in (a, b)]
        given = [{"mu": mean, "sigma": covariance} for mean, covariance in moments]
        rows += rounds(
            {f"Fréchet distance, d = {width}, from moments": lambda m=moments: frechet_distance_moments(*m[0], *m[1])},
            {"torch-fidelity": lambda given=given: fid_statistics_to_metric(*given, verbose=False)},
            count,
        )
    return rows


def features(count: int) -> list[Row]:
    """1,000 patches of 64 pixels through EfficientNet-Lite0."""
    patches = torch.randint(256, (1000, 3, 64, 64), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    rows = []
    for tap in (112, 1280):
        network = extractor("lite0", tap=tap)
        network(patches[:64])
        seconds = []
        for _ in range(count):
            began = clock()
            network(patches)
            seconds.append(clock() - began)
        spread = f"{min(seconds):.2f} to {max(seconds):.2f} s"
        rows.append((f"features of 1,000 patches of 64 px, tap {tap}", f"{statistics.median(seconds):.3g} s", spread))
    return rows


def shares(runs: Path) -> list[Row]:
    """How long evaluations took against trainings, from the results of a grid that was run."""
    results = [json.loads(path.read_text()) for path in sorted(runs.glob("cells/*/result.json"))]
    done = [each for each in results if each["status"] == "done"]
    ratios = sorted(each["eval_seconds"] / each["train_seconds"] for each in done)
    seconds = statistics.median(each["eval_seconds"] for each in done)
    told = f"{statistics.median(ratios):.0%} of training ({ratios[0]:.0%} to {ratios[-1]:.0%}, {len(done)} cells)"
    return [("evaluation of a cell, both sets of weights", f"{seconds:.3g} s", told)]


def main() -> None:
    """Measures, prints a Markdown table and writes it where asked."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--runs", type=Path)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    if options.threads > 1:
        global clock  # noqa: PLW0603 the one choice of the whole script
        clock = time.perf_counter
    rows = shares(options.runs) if options.runs else []
    for group in (structure, features, frechet):
        rows += group(options.rounds)
        print(*rows, sep="\n", flush=True)
    measured = "processor time" if options.threads == 1 else "elapsed time"
    machine = f"{platform.machine()}, {options.threads} threads, {measured}, torch {torch.__version__}"
    lines = ["| measured | here | ratio, median (range) |", "| --- | --- | --- |"]
    text = "\n".join(
        [*lines, *("| " + " | ".join(row) + " |" for row in rows), "", f"{machine}, {options.rounds} rounds", ""]
    )
    print(text)
    if options.out:
        options.out.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
