"""Catalogues of metrics and of the feature extractors that some of them look through.

Looking one up imports no torch, so that a report can be read and written without it.
"""

from __future__ import annotations

import functools
import inspect
import math
from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from typing import Any, Literal

from ablate.metrics.bounds import UNBOUNDED, Bounds
from ablate.metrics.metric import Metric, Needs, Scope
from ablate.metrics.naming import KEPT, TEST, on_set, split_name
from ablate.plugins.checked import broken
from ablate.registry import REQUIRED, Catalogue, Registry, absent, being_defined

TOLD = ("label", "unit", "direction", "formula", "source", "scope", "decimals", "place", "stands_in_for", "default")
"""Facts that tell a reader of results what a metric is."""

REGION = "; of the whole file, H W being the pixels of the region"
"""What bits per pixel are of where they are those of a kept region."""


class Metrics(Catalogue[Metric]):
    """Metrics by name; with the set of images behind it, as in `psnr@kodak`, a metric of that set's figure."""

    def __getitem__(self, name: str) -> Metric:
        plain, images = split_name(name)
        metric = super().__getitem__(plain)
        if images == TEST:
            return metric
        of_region = (REGION if metric.scope is Scope.rate else "; of the region alone") if images == KEPT else ""
        label, formula = f"{metric.label} ({images})", f"{metric.formula}{of_region}"
        return replace(metric, name=on_set(plain, images), label=label, formula=formula)

    def defined_by(self, name: str) -> str:
        """Returns what identifies the code of a plugin's metric; empty for the others."""
        origin = self.origin(split_name(name)[0])
        return origin.defined_by if origin else ""

    def description(self, name: str) -> dict[str, Any]:
        metric = self[name]
        told = {fact: getattr(metric, fact) for fact in TOLD}
        bounds = [bound if math.isfinite(bound) else None for bound in metric.bounds]
        return {
            **told, "smallest_side": metric.needs.smallest_side, "bounds": bounds, "regional": metric.regional
        }  # fmt: skip

    def stand_in(self, name: str, description: Mapping[str, Any], why: str) -> None:
        told = {fact: description[fact] for fact in TOLD}
        low, high = (
            free if bound is None else bound for bound, free in zip(description["bounds"], UNBOUNDED, strict=True)
        )
        needs = Needs(smallest_side=description["smallest_side"])
        more = {"needs": needs, "bounds": (low, high), "regional": description.get("regional", False)}
        self.add_function(absent(name, why), **told, **more)

    def add_function(
        self, function: Callable[..., Any], *, scope: Literal["image", "set", "rate"], **facts: Any
    ) -> None:
        """Adds a metric that a function computes; facts as `Metric` has them, `regional` where it takes a region."""
        facts.setdefault("regional", scope == "set" or "region" in inspect.signature(function).parameters)
        of_plugin = being_defined(function) is not None and scope == "image"
        called = _number_an_image(function) if of_plugin else function
        self.add(Metric(name=function.__name__, function=called, scope=Scope(scope), **facts), function)


def _number_an_image(function: Callable[..., Any]) -> Callable[..., Any]:
    """Returns the metric of a plugin, which must give one number for each image."""

    @functools.wraps(function)
    def checked(originals: Any, reconstructions: Any, **region: Any) -> Any:
        values = function(originals, reconstructions, **region)
        if tuple(getattr(values, "shape", ())) != tuple(originals.shape[:1]):
            expected = f"a tensor ({len(originals)},) is expected, a number for each image"
            raise broken(function, "returned", values, expected)
        return values

    return checked


metrics = Metrics("metric", "ablate.metrics.images.*", "ablate.metrics.sets", "ablate.metrics.rate")
extractors = Registry(
    "feature extractor",
    "ablate.metrics.feature_extractors.*",
    facts={"label": REQUIRED, "taps": REQUIRED, "preprocessing": REQUIRED, "licence": REQUIRED},
)
"""Facts: its name in labels; width -> layer of each tap that it can be looked at; what happens to an image before it;
licence of its weights."""


def in_reading_order(names: Collection[str] | None = None) -> tuple[Metric, ...]:
    """Returns the metrics among `names`, or all, as they follow each other for a reader; other sets come last."""
    known = set(metrics)
    wanted = known if names is None else {name for name in names if split_name(name)[0] in known}
    found = {metric.name: metric for metric in map(metrics.__getitem__, wanted)}

    def place(metric: Metric) -> tuple[int, int, str]:
        images = split_name(metric.name)[1]
        return (0 if images == TEST else 1, metric.place, metric.name)

    return tuple(sorted(found.values(), key=place))


def bounds_of(figure: str) -> Bounds:
    """Returns the bounds of a figure by its name, none for one that only stands beside a metric."""
    return metrics[figure].bounds if split_name(figure)[0] in metrics else UNBOUNDED
