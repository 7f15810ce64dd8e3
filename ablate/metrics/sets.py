"""Metrics of two sets of patches: each is named by its extractor and tap, and only Inception's are FID and sFID."""

from __future__ import annotations

import math

import numpy as np

from ablate.metrics.catalogue import extractors, metrics
from ablate.metrics.distance import frechet_distance, frechet_infinity, frechet_without
from ablate.metrics.kernel import image_sums, kid_without
from ablate.metrics.metric import Metric, Needs, Scope
from ablate.metrics.naming import FROM_PAPERS, INFINITY, distance_name, kernel_name
from ablate.metrics.paired import PairedFeatures, SetScore

_FRECHET = "|m1 - m2|^2 + tr(S1 + S2 - 2 (S1 S2)^(1/2)) over features of paired 8-bit patches; covariances with n - 1"
_KERNEL = (
    "mean of k(x, x') + k(y, y') - k(x, y') - k(x', y) over patches of two different images, k(u, v) = (u.v/d + 1)^3"
)
_LABELS = {"fid": "FID", "sfid": "sFID", "kid_paired": "KID (paired)"}
_SOURCES = {"sfid": "Nash et al. 2021, ICML, arXiv 2103.03841; Heusel et al. 2017, NeurIPS, eq. 6"}
_NO_FID = ", with another network than theirs: never comparable with FID"


def frechet(features: PairedFeatures) -> SetScore:
    """Returns the Fréchet distance, and what it tends to for ever more patches where there are enough to tell."""
    a, b = features.originals, features.reconstructions
    without = frechet_without(a, b, features.owners, features.group_count)
    infinity = {INFINITY: frechet_infinity(a, b)} if len(a) >= _enough(a.shape[1]) else {}
    return SetScore(frechet_distance(a, b), features.spread(without), infinity)


def kernel(features: PairedFeatures) -> SetScore:
    """Returns the paired kernel distance."""
    sums = image_sums(features.originals, features.reconstructions, features.counts)
    members = [np.flatnonzero(features.groups == group) for group in range(features.group_count)]
    without = [kid_without(sums, features.counts, each) for each in members]
    return SetScore(kid_without(sums, features.counts), features.spread(without))


def _enough(tap: int) -> int:
    """Returns how many patches the Fréchet distance needs before its excess falls like 1 / n: twice its dimensions."""
    return 2 * tap


def _add(name: str, tap: int, layer: str, label: str) -> None:
    canonical = (name, tap) in FROM_PAPERS
    distance, between = distance_name(name, tap), kernel_name(name, tap)
    # Features that are not normalised, unlike Inception's, make distances of hundreds.
    decimals = 4 if canonical else 1
    metrics.add(
        Metric(
            name=distance,
            bounds=(0, math.inf),
            label=_LABELS.get(distance, f"FD-{label}-{tap}"),
            unit="",
            direction="lower",
            scope=Scope.set,
            regional=True,
            decimals=decimals,
            place=20,
            # A FID that compares with others' has a covariance of full rank.
            needs=Needs(extractor=(name, tap), patches=tap + 1 if canonical else 2, enough_patches=_enough(tap)),
            formula=f"{_FRECHET}; {layer}",
            source=_SOURCES.get(distance, "Heusel et al. 2017, NeurIPS, eq. 6" + ("" if canonical else _NO_FID)),
            function=frechet,
        )
    )
    metrics.add(
        Metric(
            name=between,
            # The estimator that papers call KID goes below zero on reconstructions: one name would have both compared.
            label=_LABELS.get(between, f"KID-{label}-{tap}"),
            unit="",
            direction="lower",
            scope=Scope.set,
            regional=True,
            decimals=decimals,
            place=30,
            needs=Needs(extractor=(name, tap), images=2),
            formula=f"{_KERNEL}; {layer}",
            source="Bińkowski et al. 2018, ICLR; the u-statistic without matched pairs of Gretton et al. 2012, JMLR 13",
            function=kernel,
        )
    )


for _name in extractors:
    for _tap, _layer in extractors[_name].facts["taps"].items():
        _add(_name, _tap, _layer, extractors[_name].facts["label"])
