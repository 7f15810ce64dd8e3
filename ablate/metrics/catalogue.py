"""Catalogues of metrics and of the feature extractors that some of them look through.

Looking one up imports no torch, so that a report can be read and written without it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import replace
from typing import Any

from ablate.metrics.bounds import UNBOUNDED, Bounds
from ablate.metrics.metric import Metric
from ablate.metrics.naming import TEST, on_set, split_name
from ablate.registry import REQUIRED, Catalogue, Registry


class Metrics(Catalogue[Metric]):
    """Metrics by name; with the set of images behind it, as in `psnr@kodak`, a metric of that set's figure."""

    def __getitem__(self, name: str) -> Metric:
        plain, images = split_name(name)
        metric = super().__getitem__(plain)
        if images == TEST:
            return metric
        return replace(metric, name=on_set(plain, images), label=f"{metric.label} ({images})")


metrics = Metrics("metric", "ablate.metrics.images.*", "ablate.metrics.sets", "ablate.metrics.rate")
extractors = Registry(
    "feature extractor",
    "ablate.metrics.feature_extractors.*",
    facts={"label": REQUIRED, "taps": REQUIRED, "preprocessing": REQUIRED, "licence": REQUIRED},
)
"""Facts: its name in labels; width -> layer of each tap that it can be looked at; what happens to an image before it;
licence of its weights."""


def register_metric(**facts: Any) -> Callable[[Callable], Callable]:
    """Adds a metric that the decorated function computes, under its name; facts as `Metric` has them."""

    def decorate(function: Callable) -> Callable:
        metrics.add(Metric(name=function.__name__, function=function, **facts))
        return function

    return decorate


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
