"""The decorators that losses, metrics and all other things with a name are registered by: the stable way in.

They are what plugins import, and what the package's own files use.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from typing import Any, Literal

from ablate.registry import Registry

CATALOGUES: Mapping[str, str] = {
    "adversarial_loss": "ablate.losses.catalogue:adversarial_losses",
    "distortion": "ablate.losses.catalogue:distortions",
    "penalty": "ablate.losses.catalogue:penalties",
    "metric": "ablate.metrics.catalogue:metrics",
    "discriminator": "ablate.discriminators.catalogue:discriminators",
    "codec": "ablate.codecs.catalogue:codecs",
    "data_source": "ablate.sources.catalogue:data_sources",
    "tracker": "ablate.trackers.catalogue:trackers",
    "executor": "ablate.execute.executor:executors",
}
"""The catalogue that each decorator adds to. They are named and not imported, since they lie above this room."""

Decorator = Callable[[Callable[..., Any]], Any]


def catalogue(kind: str) -> Any:
    """Returns the catalogue that a decorator adds to."""
    module, name = CATALOGUES[kind].split(":")
    return getattr(importlib.import_module(module), name)


def adversarial_loss(**facts: Any) -> Decorator:
    """Registers a loss of both players.

    The function returns `discriminator(real, fake)` and `generator(real, fake)`: raw logits (N, 1, h, w) of one scale
    to a scalar; or an `ablate.losses.AdversarialLoss`. Its keyword-only arguments are options. All facts may be left
    out: formula, source, convention, ranges (of options, for tuning). What the catalogue says of gradients, and whether
    the generator looks at the image's logits, is measured unless it is given.
    """
    return _register("adversarial_loss", facts)


def distortion(**facts: Any) -> Decorator:
    """Registers a distortion.

    The function returns another one, of image and reconstruction, float (N, 3, H, W) in [-1, 1], to a scalar. Facts,
    none of them needed: formula, source, convention, ranges, smallest_side (of images that it is defined for).
    """
    return _register("distortion", facts)


def penalty(**facts: Any) -> Decorator:
    """Registers a penalty on discriminators: a function that returns an `ablate.losses.Penalty`.

    Facts, none of them needed: formula, source, convention, ranges, second_order (it differentiates a gradient),
    moves (it shows discriminators images moved).
    """
    return _register("penalty", facts)


def metric(
    *,
    label: str,
    unit: str = "",
    direction: Literal["higher", "lower"] | None,
    scope: Literal["image", "set", "rate"] = "image",
    formula: str = "",
    source: str = "",
    **facts: Any,
) -> Decorator:
    """Registers a metric; the function is the metric itself.

    Args:
        label: text in figures and tables.
        unit: "dB", or "" for a pure number.
        direction: which values are better, None where no value is.
        scope: what the function is given. image: originals and reconstructions, uint8 (N, 3, H, W), for a number of
            each image (N,); set and rate: see `ablate.metrics.Scope`.
        formula: as text or TeX.
        source: where it comes from.
        facts: further ones of `ablate.metrics.Metric`, such as decimals, bounds, needs, default.
    """
    told = {"label": label, "unit": unit, "direction": direction, "formula": formula, "source": source, **facts}

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        catalogue("metric").add_function(function, scope=scope, **told)
        return function

    return decorate


def discriminator(**facts: Any) -> Decorator:
    """Registers a kind of discriminators: a function of settings and code that returns a `Discriminator`."""
    return _register("discriminator", facts)


def codec(**facts: Any) -> Decorator:
    """Registers a codec: a function of the settings that returns a `TrainableCodec`; facts: stride, rate and others."""
    return _register("codec", facts)


def data_source(**facts: Any) -> Decorator:
    """Registers a data source: a function of its options that returns an object with `stamp` and `images`."""
    return _register("data_source", facts)


def tracker(**facts: Any) -> Decorator:
    """Registers a tracker: a function of a `TrackedRun` that returns an object that follows it."""
    return _register("tracker", facts)


def executor(**facts: Any) -> Decorator:
    """Registers an executor: a function of a `RunContext` that returns an object that runs jobs."""
    return _register("executor", facts)


def _register(kind: str, facts: Mapping[str, Any]) -> Decorator:
    into: Registry = catalogue(kind)
    return into.register(**facts)
