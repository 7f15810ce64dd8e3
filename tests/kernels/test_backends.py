"""Every backend of every operator against its definition in float64, on inputs that wrong kernels stumble over."""

from __future__ import annotations

import functools
from typing import Any

import pytest
import torch

from ablate.kernels import OPERATORS, Backend, Gradients, backends, disagreement
from ablate.kernels.library import missing
from ablate.kernels.trial import Trial

OPTIONS: dict[str, tuple[dict[str, Any], ...]] = {
    "adversarial": (
        {"loss": "lsgan"},
        {"loss": "lsgan", "player": "generator", "reduction": "sum"},
        {"loss": "lsgan", "real_target": 0.9, "fake_target": -0.5, "reduction": "patch_weighted"},
        {"loss": "lsgan_half"},
        {"loss": "lsgan_chi2", "player": "generator"},
        {"loss": "hinge", "reduction": "patch_weighted"},
        {"loss": "hinge", "player": "generator"},
        {"loss": "vanilla", "real_target": 0.9},
        {"loss": "vanilla", "player": "generator"},
        {"loss": "minimax"},
        {"loss": "minimax", "player": "generator"},
        {"loss": "wgan"},
    ),
    "distortion": (
        {},
        {"mse": 0.0, "l1": 1.0},
        {"mse": 0.0, "charbonnier": 2.0, "epsilon": 1e-2},
        {"mse": 2.0, "l1": 0.5, "charbonnier": 0.3},
        {"l1": 1.0},
    ),
    "ms_ssim": ({}, {"levels": 1}, {"levels": 3}),
    "feature_matching": ({}, {"weight": 0.25}),
    "gradient_norm": ({}, {"cost": "gp"}),
}
EVERY = [
    pytest.param(backend, options, id=f"{operator}-{backend.name}-{'-'.join(map(str, options.values()))}")
    for operator in OPERATORS
    for backend in backends(operator)
    for options in OPTIONS[operator]
    if "cpu" in backend.devices and backend.name != "compiled"  # which takes a minute; `ablate bench` holds it to this
]
EACH = [pytest.param(*each.values, id=each.id) for each in EVERY if each.values[1] in [o[0] for o in OPTIONS.values()]]


@functools.cache
def tried(operator: str, options: tuple[tuple[str, Any], ...], dtype: torch.dtype) -> list[tuple[Trial, Gradients]]:
    """The trials, and what the definition says in float64 of the very numbers that a backend gets."""
    definition = backends(operator)[0].build(**dict(options))
    given = [trial.to("cpu", dtype) for trial in OPERATORS[operator].trials(dict(options))]
    exact = [trial.to("cpu", torch.float64) for trial in given]
    return [(trial, definition(each.image, each.reconstruction)) for trial, each in zip(given, exact, strict=True)]


@pytest.fixture
def poisoned() -> Any:
    """Fills what `torch.empty` returns with NaN, so that a place that no kernel writes is seen."""
    torch.use_deterministic_algorithms(True)
    yield
    torch.use_deterministic_algorithms(False)


@pytest.mark.usefixtures("poisoned")
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize(("backend", "options"), EVERY)
def test_a_backend_agrees_with_float64(backend: Backend, options: dict[str, Any], dtype: torch.dtype) -> None:
    if backend.unavailable("cpu"):
        pytest.skip(str(backend.unavailable("cpu")))
    function, tolerance = backend.build(**options), OPERATORS[backend.operator].tolerance(dtype)
    for trial, expected in tried(backend.operator, tuple(options.items()), dtype):
        found = function(trial.image, trial.reconstruction)
        assert disagreement(found, expected, tolerance) is None, trial.name
        assert {each.dtype for each in (*found.image, *found.reconstruction)} == {dtype}


@pytest.mark.parametrize(("backend", "options"), EACH)
def test_a_backend_writes_into_nothing_that_it_was_given(backend: Backend, options: dict[str, Any]) -> None:
    if backend.unavailable("cpu"):
        pytest.skip(str(backend.unavailable("cpu")))
    for trial in OPERATORS[backend.operator].trials(options):
        given = [*trial.image, *trial.reconstruction]
        before, versions = [each.clone() for each in given], [each._version for each in given]
        gradients = backend.build(**options)(trial.image, trial.reconstruction)
        for tensor, copy, version in zip(given, before, versions, strict=True):
            assert torch.equal(tensor.nan_to_num(7.0), copy.nan_to_num(7.0))
            assert tensor._version == version
        storages = {each.untyped_storage().data_ptr() for each in given}
        assert not storages & {each.untyped_storage().data_ptr() for each in gradients.image + gradients.reconstruction}


@pytest.mark.parametrize(("backend", "options"), EACH)
def test_the_same_numbers_come_out_whatever_the_number_of_threads(backend: Backend, options: dict[str, Any]) -> None:
    if backend.name != "native" or backend.unavailable("cpu"):
        pytest.skip("PyTorch's own reductions depend on it")
    trial = next(OPERATORS[backend.operator].trials(options))
    image, reconstruction = ([each.repeat(4, 1, 1, 1) for each in side] for side in (trial.image, trial.reconstruction))
    before, found = torch.get_num_threads(), []
    try:
        for threads in (1, 3):
            torch.set_num_threads(threads)
            found.append(backend.build(**options)(image, reconstruction))
    finally:
        torch.set_num_threads(before)
    one, three = found
    for a, b in zip((one[0], *one[1], *one[2]), (three[0], *three[1], *three[2]), strict=True):
        assert torch.equal(a, b)


def test_a_loss_without_a_fast_form_is_refused_by_name() -> None:
    for backend in backends("adversarial"):
        if backend.name in ("eager", "triton"):
            continue
        with pytest.raises(ValueError, match=r"rp_vanilla has no fast form \(there is: vanilla, "):
            backend.build(loss="rp_vanilla")


@pytest.mark.parametrize("operator", ["distortion", "ms_ssim", "feature_matching", "adversarial"])
def test_shapes_that_differ_are_refused(operator: str) -> None:
    for backend in backends(operator):
        if backend.unavailable("cpu") or backend.name in ("eager", "compiled"):
            continue
        with pytest.raises((ValueError, AssertionError), match=r"170|162"):
            backend.build()([torch.zeros(1, 3, 170, 170)], [torch.zeros(1, 3, 170, 162)])


@pytest.mark.skipif(missing("adversarial") is not None, reason=str(missing("adversarial")))
@pytest.mark.parametrize(
    ("operator", "options"),
    [
        ("adversarial", {"loss": "lsgan"}),
        ("adversarial", {"loss": "hinge"}),
        ("adversarial", {"loss": "wgan", "player": "generator"}),
        ("distortion", {}),
        ("distortion", {"mse": 0.0, "l1": 1.0}),
        ("feature_matching", {"weight": 0.25}),
    ],
)
def test_gradients_in_c_round_as_the_definitions_do_where_that_is_claimed(
    operator: str, options: dict[str, Any]
) -> None:
    eager, native = (next(each for each in backends(operator) if each.name == name) for name in ("eager", "native"))
    trial = next(OPERATORS[operator].trials(options))
    expected, found = (each.build(**options)(trial.image, trial.reconstruction) for each in (eager, native))
    for mine, other in zip(found.image + found.reconstruction, expected.image + expected.reconstruction, strict=True):
        assert torch.equal(mine, other)
