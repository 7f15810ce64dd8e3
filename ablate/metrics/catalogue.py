"""Catalogues of metrics and of the feature extractors that some of them look through.

Looking one up imports no torch, so that a report can be read and written without it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

from ablate.metrics.bounds import UNBOUNDED, Bounds
from ablate.metrics.metric import Metric
from ablate.registry import REQUIRED, Catalogue, Registry

metrics: Catalogue[Metric] = Catalogue(
    "metric", "ablate.metrics.images.*", "ablate.metrics.sets", "ablate.metrics.rate"
)
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
    """Returns the metrics among `names`, or all, as they follow each other for a reader."""
    found = [metrics[name] for name in metrics if names is None or name in names]
    return tuple(sorted(found, key=lambda each: (each.place, each.name)))


def bounds_of(figure: str) -> Bounds:
    """Returns the bounds of a figure by its name, none for one that only stands beside a metric."""
    return metrics[figure].bounds if figure in metrics else UNBOUNDED
