"""Which images to look at: chosen by rule, never by hand."""

from __future__ import annotations

from dataclasses import dataclass

from ablate.analysis.scores import Scores


@dataclass(frozen=True)
class Chosen:
    """An image and the rule that chose it."""

    image: str
    rule: str


def choose_images(
    scores: Scores, baseline: str, seed: int, label: str, called: str = "the baseline arm"
) -> tuple[Chosen, ...]:
    """Returns the baseline's median and worst image and the one that arms disagree about most, without repeats.

    `label` is what the rules call the metric, and `called` the arm. Disagreement is the standard deviation over the
    arms of one seed; an image already chosen gives way to the next.
    """
    import numpy as np

    row = scores.seeds.index(seed)
    own = scores.values[baseline][row]
    measured = [index for index in np.argsort(own, kind="stable") if not np.isnan(own[index])]
    if not measured:
        return ()
    by_arm = np.array([values[row] for values in scores.values.values()])
    spread = {index: float(np.nanstd(by_arm[:, index])) for index in measured}
    name = f"{label} under {called}"
    ranked = {
        f"median {name}": [measured[(len(measured) - 1) // 2]],
        f"worst {name}": measured,
        f"{label} differs most between arms": sorted(measured, key=lambda index: -spread[index]),
    }
    chosen: dict[int, str] = {}
    for rule, candidates in ranked.items():
        index = next((index for index in candidates if index not in chosen), None)
        if index is not None:
            chosen[index] = rule
    return tuple(Chosen(scores.images[index], rule) for index, rule in chosen.items())


def choose_arms(values: dict[str, float], always: tuple[str, ...], limit: int) -> tuple[str, ...]:
    """Returns at most `limit` arms in the order of `values`: those of `always`, then evenly spaced ranks."""
    if len(values) <= limit:
        return tuple(values)
    kept = [name for name in dict.fromkeys(always) if name in values][:limit]
    ranked = sorted((name for name in values if name not in kept), key=lambda name: values[name])
    places = limit - len(kept)
    kept += [ranked[(2 * place + 1) * len(ranked) // (2 * places)] for place in range(places)]
    return tuple(name for name in values if name in kept)
