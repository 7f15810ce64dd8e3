"""What is still to be measured of finished cells: the figures that a grid asks for and no record holds."""

from __future__ import annotations

import functools
import json
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ablate.config import RESULTS_VERSION, Data, Evaluation, content_sha256
from ablate.data.sets import count_of_set
from ablate.execute.jobs import Job, Wanted, every_cell
from ablate.execute.plan import Plan
from ablate.metrics.catalogue import metrics
from ablate.metrics.naming import KEPT, TEST, on_set
from ablate.records import WEIGHTS, CellRecord, MeasurementSettings, Result, Status
from ablate.registry import unknown
from ablate.store import Store
from ablate.store.measured import image_sets, looked_at_alike


@dataclass(frozen=True)
class Wish:
    """What shall be measured.

    Attributes:
        metrics: beside those of the grid, and then only these; none for all that the grid measures.
        sets: sets of images; none for all of the grid.
        declared: leave out what the grid file does not ask for: a metric that came with a later version.
        trials: measure the trials of tuning, and not the cells that are judged.
    """

    metrics: tuple[str, ...] = ()
    sets: tuple[str, ...] = ()
    declared: bool = False
    trials: bool = False

    def evaluation(self, config: Mapping[str, Any]) -> Evaluation:
        """Returns the evaluation of a cell with the metrics that are wished for."""
        given = dict(config["evaluation"])
        named = dict.fromkeys((*given.get("metrics", ()), *self.metrics))
        return Evaluation.model_validate({**given, "metrics": tuple(named)})


def measurements(plan: Plan, store: Store, *, wish: Wish = Wish(), wanted: Wanted = every_cell) -> tuple[Job, ...]:
    """Returns a job for each set of images on which a finished cell of the plan lacks figures.

    Raises:
        ValueError: for a set that the grid does not have, or a metric that there is not.
    """
    cells = [
        cell
        for cell in store.cell_records(plan.record)
        if wanted(cell) and "evaluation" in cell.config and (cell.part == "trial") == wish.trials
    ]
    if wish.sets and cells:
        named = {name for cell in cells for name in image_sets(cell.config, wish.evaluation(cell.config))}
        if foreign := [name for name in wish.sets if name not in named]:
            raise ValueError(unknown("set of images", foreign[0], sorted(named)))
    done = [cell for cell in cells if cell.status is Status.done]
    count = functools.cache(functools.partial(_count_images, store.data_cache))
    # Equal images under two names are measured once.
    found = {job.id: job for cell in done for job in _jobs(cell, wish, count)}
    return tuple(replace(job, plugins=plan.record.plugins) for job in found.values())


def _jobs(cell: CellRecord, wish: Wish, count: Callable[[str, str, str], int]) -> Iterator[Job]:
    assert cell.result is not None, "a cell that is done has a result"
    evaluation = wish.evaluation(cell.config)
    config = {**cell.config, "evaluation": evaluation.model_dump(mode="json")}
    for images, digest in image_sets(cell.config, evaluation).items():
        if wish.sets and images not in wish.sets:
            continue
        names = _missing(cell.result, evaluation, images, wish)
        if not names or digest is None:
            continue
        settings = MeasurementSettings(
            id=_content_id(cell, evaluation, digest, names),
            schema_version=1,
            label=f"{cell.label} on {images}",
            of=cell.id,
            weights=cell.result.artefacts.get("weights.pt", ""),
            images=images,
            digest=digest,
            metrics=tuple(names),
            cell=config,
        )
        if images == TEST:
            reconstructions = sum(name.startswith("eval/recon/") for name in cell.result.artefacts)
        else:
            data, sets = json.dumps(config["data"]), json.dumps(config["evaluation"])
            reconstructions = len(WEIGHTS) * count(data, sets, images)
        yield Job("measure", settings.id, settings.label, settings, reconstructions)


def _missing(result: Result, evaluation: Evaluation, images: str, wish: Wish) -> list[str]:
    """Returns the metrics of an evaluation that no record has on a set of images, in the order of the catalogue."""
    asked: Collection[str] = wish.metrics or evaluation.measured
    if wish.declared and images == TEST:
        asked = evaluation.chosen
    # What a later version measures in kept regions, too, is missing only where somebody asks for all that is missing.
    apart = not wish.declared and evaluation.kept != "all"
    names = []
    for name in evaluation.measured:
        figures = (name, on_set(name, KEPT)) if apart and metrics[name].regional else (name,)
        facts = [result.protocol.get(on_set(each, images)) for each in figures]
        if name in asked and not all(each is not None and looked_at_alike(name, each, evaluation) for each in facts):
            first = metrics[name].stands_in_for
            # Whether a metric must be stood in for is known once that one is measured.
            beside = result.protocol.get(on_set(first, images), {}) if first else {}
            if not first or first in names or beside.get("undefined"):
                names.append(name)
    # A metric that stands in for one which is missing comes with it, wherever the catalogue has the two.
    with_first = [each for each in asked if metrics[each].stands_in_for in names and each not in names]
    return names + [each for each in with_first if on_set(each, images) not in result.protocol]


def _content_id(cell: CellRecord, evaluation: Evaluation, digest: str, names: Collection[str]) -> str:
    """Returns the first digits of a hash of weights, images and protocol."""
    assert cell.result is not None, "it was trained"
    needed = {metrics[name].needs.extractor for name in names}
    views = [[view.name, view.tap, view.patch] for view in evaluation.views if (view.name, view.tap) in needed]
    content = {
        "results_version": RESULTS_VERSION,
        "cell": cell.id,
        "weights": cell.result.artefacts.get("weights.pt", ""),
        "images": [digest, cell.config["data"].get("colour_profiles", "keep")],
        "metrics": sorted(names),
        "views": views,
    }
    if evaluation.kept != "all":
        content |= {"regions": evaluation.kept}
    if plugins := {name: metrics.defined_by(name) for name in names if metrics.defined_by(name)}:
        content |= {"defined_by": plugins}
    return content_sha256({"measurement": content})[:12]


def images_beside(cells: Iterable[Mapping[str, Any]], store: Store) -> int:
    """Counts the reconstructions that cells to come will be measured by on other sets than their test images."""
    # Cells of a plan share these tables, so that few of them are looked at.
    tables = [(cell["data"], cell["evaluation"]) for cell in cells if "evaluation" in cell]
    distinct = {(id(data), id(evaluation)): (data, evaluation) for data, evaluation in tables}
    often = Counter((id(data), id(evaluation)) for data, evaluation in tables)
    found = 0
    for which, (data, evaluation) in distinct.items():
        others = [name for name in image_sets({"data": data}, Evaluation.model_validate(evaluation)) if name != TEST]
        texts = json.dumps(data), json.dumps(evaluation)
        found += often[which] * sum(len(WEIGHTS) * _count_images(store.data_cache, *texts, name) for name in others)
    return found


def _count_images(cache: Path, data: str, evaluation: str, images: str) -> int:
    """Counts the images of a set of settings, given as JSON, before any is decoded."""
    return count_of_set(Data.model_validate_json(data), Evaluation.model_validate_json(evaluation), images, cache)
