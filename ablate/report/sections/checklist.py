"""Answers to what the checklists of conferences ask of experiments, as far as a grid's records know them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping

from ablate.records import CELL_STATUSES
from ablate.report.document import Text, strong, text
from ablate.report.evidence import Evidence
from ablate.report.numbers import counted, duration, joined, plural

Environment = Mapping[str, Mapping[str, int]]


def checklist(evidence: Evidence, environment: Environment) -> tuple[Text, ...]:
    """Returns a sentence a question: seeds, error bars, missing runs, compute, code, data, choices made beforehand."""
    return tuple(text(strong(f"{question} "), answer) for question, answer in _answers(evidence, environment))


def _answers(evidence: Evidence, environment: Environment) -> Iterator[tuple[str, str]]:
    study = evidence.study
    seeds = joined([str(seed) for seed in study.seeds])
    yield "Repetitions.", f"{plural(len(study.seeds), 'seed')} an arm ({seeds}); a seed draws weights, crops and noise."
    usual = "95 %"
    apart = "" if evidence.confidence == usual else f" where a verdict rests on them, else at {usual}"
    yield (
        "Error bars.",
        "Standard deviations are over seeds. Intervals are Student's t over seeds, of differences paired by seed where "
        f"two arms are compared: at {evidence.confidence}{apart}. Images are never counted as repetitions.",
    )
    counts = Counter(cell.status for cell in study.cells)
    lost = counted({status: counts[status] for status in CELL_STATUSES[1:]})
    yield (
        "Runs left out.",
        "None: every planned run is in the tables."
        if not lost
        else f"None from the tables; {lost} of "
        f"{plural(len(study.cells), 'run')} have no measurement, and Completeness says why.",
    )
    seconds = sum((each.train_seconds or 0.0) + (each.eval_seconds or 0.0) for each in evidence.results)
    where = joined([*_values(environment, "gpu"), *_values(environment, "cpu")]) or "a machine that was not recorded"
    yield "Compute.", f"{duration(seconds)} for training and measuring all runs, on {where}; warm-ups come on top."
    names = {name: _values(environment, name) for name in ("ablate", "torch", "python")}
    versions = [f"{name} {joined(found)}" for name, found in names.items() if found]
    commits = [commit[:12] for commit in _values(environment, "git")]
    code = f" at commit {joined(commits)}" if commits else ""
    prints = joined(_values(environment, "fingerprint"))
    yield "Code.", f"{joined(versions)}{code}; fingerprint of the files that results depend on: {prints}."
    chosen = joined([metric.label for metric in evidence.primary]) or "none"
    undeclared = f"not declared in the grid file; the report chose {chosen}"
    primary = "declared in the grid file" if study.compare.primary else undeclared
    yield "Chosen beforehand.", f"Primary metrics: {primary}. Images shown are chosen by rule."


def _values(environment: Environment, key: str) -> list[str]:
    return [value for value in environment.get(key, {}) if value not in ("", "None")]
