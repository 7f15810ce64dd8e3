"""The protocol that a finished codec is measured by, the metrics that it measures, and the sets of images."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from ablate.metrics.catalogue import extractors, metrics
from ablate.metrics.naming import KEPT, TEST, VALIDATION, distance_name, kernel_name
from ablate.registry import unknown
from ablate.settings import Settings, added

SMALLEST_PATCH = 32
RESERVED = (TEST, VALIDATION, KEPT, "train")
"""Names that no set of images may have: they are those of the splits of `data`."""
_OF_SETS = 'a table of directories by name, like { kodak = "kodak" }'
FORM = 'a list of names or tables { name = "lite0", tap = 112, patch = 64 }'


@dataclass(frozen=True)
class View:
    """A network that patches are looked at through: its name, the width of the layer, and the patches' side."""

    name: str
    tap: int
    patch: int

    @property
    def distances(self) -> tuple[str, str]:
        """Names of the distances that are measured through it."""
        return distance_name(self.name, self.tap), kernel_name(self.name, self.tap)


def _known_extractor(name: str) -> str:
    return extractors[name].name


def _known_metric(name: str) -> str:
    if "@" in name:
        raise ValueError(f"a metric is measured on every set of images; name it without its set: {name.split('@')[0]}")
    return metrics[name].name


def _learned_metric(name: str) -> str:
    known = ["none", *(each for each in metrics if metrics[each].learned)]
    if name not in known:
        raise ValueError(unknown("perceptual distance", name, known))
    return name


def _name_of_a_set(name: str) -> str:
    if name in RESERVED or not re.fullmatch(r"[A-Za-z0-9_-]+", name):
        raise ValueError(
            f"{name!r} cannot name a set of images (there is: letters, digits, _ and -, but not "
            f"{' or '.join(RESERVED)})"
        )
    return name


def _as_tuple(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def _as_tables(value: Any) -> Any:
    """Turns a list of names and tables into a tuple of tables."""
    if not isinstance(value, list | tuple):
        return value
    return tuple({"name": each} if isinstance(each, str) else each for each in value)


def _complete(table: Mapping[str, int | str]) -> dict[str, int | str]:
    """Fills in the tap that an extractor has by default; a patch that is not given is that of the evaluation."""
    if not isinstance(table.get("name"), str):
        raise ValueError(f"an extractor has a name; the form is {FORM}")
    if foreign := [key for key in table if key not in ("name", "tap", "patch")]:
        raise ValueError(unknown("key of an extractor", foreign[0], ["name", "tap", "patch"]))
    entry = extractors[str(table["name"])]
    complete = {"name": entry.name, "tap": entry.options["tap"].default, **table}
    for key in ("tap", "patch"):
        if key in complete and type(complete[key]) is not int:
            raise ValueError(f"{key} of the extractor {entry.name} is a whole number, not {complete[key]!r}")
    _require_tap(entry.name, complete["tap"])
    if int(complete.get("patch", SMALLEST_PATCH)) < SMALLEST_PATCH:
        raise ValueError(f"patch of the extractor {entry.name} is {SMALLEST_PATCH} or more, not {complete['patch']}")
    return complete


def _require_tap(extractor: str, tap: Any) -> None:
    taps = extractors[extractor].facts["taps"]
    if tap not in taps:
        there = " and ".join(map(str, taps))
        raise ValueError(f"evaluation.extractor = {extractor!r} has the tap {there}, not {tap}")


class Evaluation(Settings):
    """The protocol that the finished codec is measured by; it is no part of what is trained.

    `metrics` names those that are measured beside the ones that need no choice: distances over weights that a user
    brings along, or over an extractor that `extractors` does not list. `extractors` are the networks that distances
    between sets of patches look through; where none is listed, `extractor`, `tap` and `patch` say which. `sets` are
    directories of test images by name, measured beside the test images of `data`. `perceptual` names one metric, as
    before there was a list. `kept` says which region of each image is measured apart, as `psnr@kept`, and is what a
    selective codec sends: a quarter of the instances of its label map, or a box, drawn by the image's name.
    """

    extractor: Annotated[str, AfterValidator(_known_extractor)] = "lite0"
    tap: int = 112
    patch: int = Field(64, ge=SMALLEST_PATCH)
    perceptual: Annotated[str, AfterValidator(_learned_metric)] = "none"
    metrics: Annotated[tuple[Annotated[str, AfterValidator(_known_metric)], ...], BeforeValidator(_as_tuple)] = added(
        "0.2", (), description="a list of metrics"
    )
    extractors: Annotated[
        tuple[Annotated[dict[str, int | str], AfterValidator(_complete)], ...], BeforeValidator(_as_tables)
    ] = added("0.2", (), description=FORM)
    sets: dict[Annotated[str, AfterValidator(_name_of_a_set)], str] = added("0.2", {}, description=_OF_SETS)
    set_digests: dict[str, str] = added("0.2", {})
    kept: Literal["all", "random_instance", "random_box"] = added("0.2", "all")

    @model_validator(mode="after")
    def _tap_exists(self) -> Evaluation:
        _require_tap(self.extractor, self.tap)
        seen: dict[tuple[str, int], View] = {}
        for view in self.views:
            if seen.setdefault((view.name, view.tap), view) is not view:
                raise ValueError(f"evaluation.extractors lists {view.name} at the tap {view.tap} twice")
        return self

    @property
    def views(self) -> tuple[View, ...]:
        """What patches are looked at through: the extractors that are listed, then those that metrics need."""
        listed = [
            View(str(each["name"]), int(each["tap"]), int(each.get("patch", self.patch))) for each in self.extractors
        ]
        found = listed or [View(self.extractor, self.tap, self.patch)]
        needed = [metrics[name].needs.extractor for name in self.metrics]
        for name, tap in filter(None, dict.fromkeys(needed)):
            if (name, tap) not in [(view.name, view.tap) for view in found]:
                found.append(View(name, tap, self.patch))
        return tuple(found)

    @property
    def chosen(self) -> tuple[str, ...]:
        """The names of the metrics that are measured because these settings say so."""
        named = () if self.perceptual == "none" else (self.perceptual,)
        distances = [name for view in self.views for name in view.distances]
        return tuple(dict.fromkeys((*distances, *named, *self.metrics)))

    @property
    def measured(self) -> tuple[str, ...]:
        """The names of all metrics that are measured."""
        return tuple(name for name in metrics if name in self.chosen or not metrics[name].by_choice)

    @property
    def set_names(self) -> tuple[str, ...]:
        """The names of all sets of images, the test images of `data` first."""
        return (TEST, *self.sets)
