"""No time without agreement: a candidate must compute what float64 says before a clock looks at it."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch

from ablate.bench.case import Candidate, Case, Pair
from ablate.kernels import Function, Gradients, disagreement
from ablate.rng import stream


class Gate:
    """Compares candidates of a case with its definition in float64, on fresh random inputs.

    Each input is tried with poisoned memory: what a candidate does not write is NaN. It may write into no input.
    """

    def __init__(self, case: Case, seed: int) -> None:
        self._case = case
        self._seed = seed
        # The first of the inputs that are timed.
        self.timed = case.inputs(stream(seed, "bench.inputs", 0))
        self._references: dict[str, Gradients] = {}

    def refusal(self, candidate: Candidate, function: Function) -> str | None:
        """Says what is wrong with a candidate, or None where nothing is."""
        problem = self._one(candidate, function, "", self.timed)
        if problem is not None or candidate.peer is not None:
            # Peers answer for ordinary images; edges are what this package promises of its own.
            return problem
        for name, pair in self._edges(candidate):
            if (problem := self._one(candidate, function, name, pair)) is not None:
                return f"{name}: {problem}"
        return None

    def changed(self, candidate: Candidate, result: Gradients) -> str | None:
        """Says what is wrong with a candidate's result on the timed inputs after all rounds, or None."""
        tolerance = candidate.tolerance or self._case.tolerance
        problem = disagreement(_on_cpu(result), self._expected("", self.timed), tolerance)
        return f"after the last round: {problem}" if problem else None

    def _edges(self, candidate: Candidate) -> Iterator[tuple[str, Pair]]:
        """Yields the case's trials; for what is compiled for one shape, the equal pair and a NaN at that shape."""
        if candidate.specialised:
            if self.timed.reconstruction:
                yield "equal, timed", self.timed._replace(reconstruction=self.timed.image)
            yield "with NaN, timed", _with_nan(self.timed)
        else:
            yield from ((name, self._case.placed(pair)) for name, pair in self._case.trials(self._seed))

    def _expected(self, name: str, pair: Pair) -> Gradients:
        """Returns the definition of a pair in float64; each is computed once for all candidates."""
        if name not in self._references:
            self._references[name] = self._case.reference(*pair.map(lambda tensor: tensor.detach().cpu().double()))
        return self._references[name]

    def _one(self, candidate: Candidate, function: Function, name: str, pair: Pair) -> str | None:
        given = candidate.prepare(pair)
        before = [tensor.clone() for tensor in given.tensors]
        with poisoned(given, deterministic=not candidate.specialised):
            result = _on_cpu(function(*given))
        for tensor, kept in zip(given.tensors, before, strict=True):
            if not torch.equal(tensor.nan_to_num(7.0), kept.nan_to_num(7.0)):
                return "it writes into its inputs"
        return disagreement(result, self._expected(name, pair), candidate.tolerance or self._case.tolerance)


@contextmanager
def poisoned(pair: Pair, deterministic: bool) -> Iterator[None]:
    """Fills memory that is handed out with NaN, so that what nobody writes shows.

    `deterministic` lets torch fill each `empty` tensor; without it, as for compiled code, which would be compiled anew,
    only freed memory of the inputs' sizes is filled.
    """
    scratch = [torch.full_like(tensor, float("nan")) for tensor in pair.tensors for _ in range(3)]
    before = torch.are_deterministic_algorithms_enabled()
    warned = torch.is_deterministic_algorithms_warn_only_enabled()
    del scratch
    if not deterministic:
        yield
        return
    with warnings.catch_warnings():
        # It is not about determinism here: operations without a deterministic form may run as they are.
        warnings.simplefilter("ignore")
        torch.use_deterministic_algorithms(True, warn_only=True)
        try:
            yield
        finally:
            torch.use_deterministic_algorithms(before, warn_only=warned)


def attempt(refusal: Callable[[], str | None]) -> str | None:
    """Returns a refusal; an error of the candidate is one, whatever its type, and names itself."""
    try:
        return refusal()
    except Exception as error:  # noqa: BLE001 - what a candidate raises is its result
        first = next((line for line in str(error).splitlines() if line.strip()), "without a message")
        return f"{type(error).__name__}: {first.strip()}"


def _with_nan(pair: Pair) -> Pair:
    *others, last = pair.tensors
    broken = last.clone()
    broken[(0,) * last.ndim] = float("nan")
    tensors = (*others, broken)
    return Pair(tensors[: len(pair.image)], tensors[len(pair.image) :])


def _on_cpu(result: Gradients) -> Gradients:
    value, *sides = result
    return Gradients(value.detach().cpu(), *(tuple(each.detach() for each in side) for side in sides))
