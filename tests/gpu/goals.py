"""What the loss kernels were to reach on a GPU, and what was measured; python -m tests.gpu.goals measures in graphs.

The bench has the rest; here discriminators' losses are captured into CUDA graphs, as a captured training step has them.
"""

from __future__ import annotations

import argparse
import json
import statistics
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from ablate.atomic import write_bytes, write_json

GRAPHED = "graphed_losses.json"
TITLE = "## Goals"
COPY_SHARE = 0.9
POINTWISE = ("mse", "l1", "charbonnier", "bundle")
MS_SSIM_SECONDS, MS_SSIM_SHAPE = 0.5e-3, "8x3x512x1024"
PLAYER_SECONDS = 5e-6
LOSSES = ("vanilla", "lsgan", "hinge")
LOGITS = ((8, 1, 62, 126), (8, 1, 30, 62), (8, 1, 14, 30))
"""Of 8 x 3 x 512 x 1024 at three scales."""
ROUNDS, CALLS = 20, 50


class Goal(NamedTuple):
    """A goal, what was measured, in words, and whether it is met; neither where nothing was measured."""

    goal: str
    measured: str | None
    met: bool | None


def write(bench: Path, place: Path, name: str) -> str:
    """Writes the goals beside the bench's figures, and at the end of its page; returns what is missing."""
    figures, graphed = bench / f"{name}.json", place / GRAPHED
    found = list(goals(_read(figures), _read(graphed)))
    write_json(place / "goals.json", [goal._asdict() for goal in found])
    if (text := figures.with_suffix(".md")).exists():
        before = text.read_text("utf-8").partition(TITLE)[0].rstrip()
        write_bytes(text, "\n".join([before, "", TITLE, "", *table(found), ""]).encode())
    unmeasured = [goal.goal for goal in found if goal.met is None]
    return f"not measured: {'; '.join(unmeasured)}" if unmeasured else ""


def table(found: list[Goal]) -> Iterator[str]:
    """Yields the goals as a table of Markdown."""
    yield "| goal | measured | met |"
    yield "| --- | --- | --- |"
    for goal, measured, met in found:
        yield f"| {goal} | {measured or 'not measured'} | {'' if met is None else 'yes' if met else 'no'} |"


def goals(document: Mapping[str, Any], graphed: Mapping[str, Any]) -> Iterator[Goal]:
    """Yields each goal with what the bench's figures and those of graphs say of it."""
    rows = {
        (row["kernel"], row["shape"]): row
        for row in document.get("rows", ())
        if (row["backend"], row["status"], row["dtype"]) == ("triton", "measured", "float32")
    }
    ceilings = document.get("ceilings", {})
    for kernel in POINTWISE:
        row = next((row for (name, _), row in rows.items() if name == kernel), None)
        share = row and row["roofline"] * max(ceilings[one] for one in ("copy", "triad", "read")) / ceilings["copy"]
        said = None if share is None else f"{100 * share:.0f} %"
        yield Goal(f"{kernel}: {COPY_SHARE:.0%} of the copy's bandwidth", said, share and share >= COPY_SHARE)
    row = rows.get(("ms_ssim", MS_SSIM_SHAPE))
    seconds = row and row["median"]["cold"]["device"]
    said = None if seconds is None else f"{1e3 * seconds:.3f} ms"
    yield Goal(
        f"ms_ssim {MS_SSIM_SHAPE}: at most {1e3 * MS_SSIM_SECONDS:g} ms", said, seconds and seconds <= MS_SSIM_SECONDS
    )
    for loss in LOSSES:
        seconds = graphed.get("losses", {}).get(loss)
        said = None if seconds is None else f"{1e6 * seconds:.2f} us"
        yield Goal(
            f"{loss}, discriminator, 3 scales, in a graph: at most {1e6 * PLAYER_SECONDS:g} us",
            said,
            seconds and seconds <= PLAYER_SECONDS,
        )


def measured(device: str) -> dict[str, Any]:
    """Returns the seconds of each discriminator's loss with its gradients: replayed graphs, or plain calls of a CPU."""
    import torch

    from ablate.bench.candidates import Graphed
    from ablate.bench.clock import clock_for
    from ablate.kernels import backends

    torch.set_num_threads(1)
    clock, found = clock_for(device, 1), {}
    backend = next(each for each in backends("adversarial") if each.name == ("native" if device == "cpu" else "triton"))
    for loss in LOSSES:
        real, fake = ([2 * torch.randn(shape, device=device) for shape in LOGITS] for _ in range(2))
        function = backend.build(loss=loss)
        replayed = function if device == "cpu" else Graphed(function)
        replayed(real, fake)
        call = lambda replayed=replayed, real=real, fake=fake: replayed(real, fake)  # noqa: E731
        times = [clock.time(lambda call=call: [call] * CALLS).device for _ in range(ROUNDS)]
        found[loss] = statistics.median(times)
    return {"device": device, "device_time": clock.meaning, "backend": backend.name, "losses": found}


def _read(file: Path) -> Mapping[str, Any]:
    return json.loads(file.read_text("utf-8")) if file.exists() else {}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--device", choices=("cuda", "cpu"), default="cuda")
    parser.add_argument("--into", type=Path, required=True)
    options = parser.parse_args()
    write_json(options.into, measured(options.device))


if __name__ == "__main__":
    main()
