"""The throughput of loss kernels, judged by ratios that are paired within each run; no time of one is compared."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ablate.bench.comparison import KEY, MARGIN, Compared, compare
from ablate.bench.names import primary_ratio
from ablate.check.finding import Finding, GateOutcome, Objection, Reason

THROUGHPUT = "throughput"
OUTCOMES = {
    "same": GateOutcome.passed,
    "faster": GateOutcome.improved,
    "slower": GateOutcome.regressed,
    "failed": GateOutcome.regressed,
    "ambiguous": GateOutcome.inconclusive,
    "missing": GateOutcome.missing,
}


def kernel_ratios(document: Mapping[str, Any]) -> dict[str, Any]:
    """Returns of a run of `ablate bench` what a later one is judged by, in the form of such a run.

    Raises:
        ValueError: where nothing was measured beside eager.
    """
    judged = {one.key for one in compare(document, document)}
    rows = [row for row in document["rows"] if tuple(str(row[name]) for name in KEY) in judged]
    return {
        "rows": [
            {name: row[name] for name in (*KEY, "status", "judged")}
            | {"ratio": {"cold": {row["judged"]: list(primary_ratio(row))}}}
            for row in rows
            if row["status"] == "measured"
        ]
    }


def check_kernels(reference: Mapping[str, Any] | None, run: Mapping[str, Any] | None) -> list[Finding]:
    """Compares a run of `ablate bench` with what a baseline keeps of another: one finding a backend of a kernel.

    What the baseline keeps and the run does not hold is missing, also where there is no run.
    """
    if reference is None:
        if run is None:
            return []
        said = "the baseline keeps no ratios; `ablate baseline update … --bench RUN` adds them"
        return [Objection(Reason.no_ratios, said).finding("kernels", THROUGHPUT)]
    every = compare(reference, reference)
    if run is None:
        said = "the baseline keeps ratios of `ablate bench`; --bench gives a run to compare with"
        return [_lost(one, said) for one in every]
    try:
        found = {one.key: one for one in compare(run, reference)}
    except ValueError:
        found = {}
    return [_finding(found[one.key]) if one.key in found else _lost(one, "not in the run") for one in every]


def kept_ratios(reference: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """Returns a row for each ratio that a baseline keeps: kernel, backend, median with its interval."""
    every = compare(reference, reference)
    return [(_name(one), one.key[-1], f"{one.reference[0]:.2f} {_limits(one.reference)}") for one in every]


def _lost(one: Compared, said: str) -> Finding:
    return Objection(Reason.not_measured, said).finding(_name(one), one.key[-1])


def _finding(one: Compared) -> Finding:
    was = float(one.reference[0] or 0)
    if one.ratio is None or one.ratio[0] is None:
        outcome = OUTCOMES[one.change]
        reason = Reason.not_measured if outcome is GateOutcome.missing else Reason.judged
        return Finding(_name(one), one.key[-1], outcome, one.reason, reason=reason)
    now = float(one.ratio[0])
    detail = f"times as fast as eager, {_limits(one.reference)} then and {_limits(one.ratio)} now"
    return Finding(
        _name(one), one.key[-1], OUTCOMES[one.change], detail, was, now, now - was, was - was / MARGIN
    )  # fmt: skip


def _name(one: Compared) -> str:
    return " ".join(("kernel", *one.key[:-1]))


def _limits(ratio: Sequence[float | None]) -> str:
    _, low, high = ratio
    return "alone" if low is None or high is None else f"[{low:.2f}, {high:.2f}]"
