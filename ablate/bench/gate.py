"""No time without agreement: a candidate must compute what float64 says before a clock looks at it."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch

from ablate.bench.case import Candidate, Case, Pair
from ablate.kernels import Function, Gradients, disagreement
from ablate.kernels.trial import with_nan
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
        for name, pair in self._trials(candidate):
            given = candidate.prepare(pair)
            before = [tensor.clone() for tensor in given.tensors]
            with poisoned(given, deterministic=not candidate.specialised):
                result = function(*given)
            kept = zip(given.tensors, before, strict=True)
            problem = self._disagreement(candidate, result, name, pair)
            if not all(torch.equal(tensor.nan_to_num(7.0), other.nan_to_num(7.0)) for tensor, other in kept):
                problem = "it writes into its inputs"
            if problem is not None:
                return f"{name}: {problem}" if name else problem
        return None

    def changed(self, candidate: Candidate, result: Gradients) -> str | None:
        """Says what is wrong with a candidate's result on the timed inputs after all rounds, or None."""
        problem = self._disagreement(candidate, result, "", self.timed)
        return f"after the last round: {problem}" if problem else None

    def _trials(self, candidate: Candidate) -> Iterator[tuple[str, Pair]]:
        """Yields the timed inputs, and the case's trials; of these the equal pair and a NaN for compiled shapes.

        Peers answer for ordinary images; edges are what this package promises of its own.
        """
        yield "", self.timed
        if candidate.peer is None and not candidate.specialised:
            yield from ((name, self._case.placed(pair)) for name, pair in self._case.trials(self._seed))
        elif candidate.peer is None:
            if self.timed.reconstruction:
                yield "equal, timed", self.timed._replace(reconstruction=self.timed.image)
            yield "with NaN, timed", _with_nan(self.timed)

    def _disagreement(self, candidate: Candidate, result: Gradients, name: str, pair: Pair) -> str | None:
        """Compares a result with the definition's in float64, which is computed once for all candidates."""
        if name not in self._references:
            self._references[name] = self._case.reference(*pair.map(lambda tensor: tensor.detach().cpu().double()))
        return disagreement(result, self._references[name], candidate.tolerance or self._case.tolerance)


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
    tensors = (*others, with_nan(last))
    return Pair(tensors[: len(pair.image)], tensors[len(pair.image) :])
