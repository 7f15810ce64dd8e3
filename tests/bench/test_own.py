"""Losses of plugins in the bench: eager and compiled, held to float64 like those of the package."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from ablate.bench.case import Setting, Shape
from ablate.bench.cases import KERNELS, add_own
from ablate.bench.names import BACKWARD, BASELINE, TORCH_COMPILE
from ablate.plugins.load import forget_all, load
from ablate.plugins.source import source_of_file
from ablate.rng import stream
from tests.test_docs import FILES


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    before = dict(KERNELS)
    names = []
    for kind in ("loss", "distortion"):
        (tmp_path / f"{kind}.py").write_text(FILES[f"own_{kind}.py"])
        source = source_of_file(tmp_path / f"{kind}.py")
        load(source)
        names += add_own(source)
    yield names
    forget_all()
    for name in KERNELS.keys() - before.keys():
        del KERNELS[name]


def test_both_players_and_the_distortion_are_cases_with_eager_and_compiled_forms(own: list[str]) -> None:
    assert own == ["softplus_margin_d", "softplus_margin_g", "cosine"]
    for name in own:
        case = KERNELS[name].case(Setting(BACKWARD, Shape(2, 3, 64, 64), torch.float32, "cpu"))
        assert [each.name for each in case.candidates] == [BASELINE, TORCH_COMPILE]
        inputs = case.inputs(stream(0, "test.own"))
        exact, found = case.reference(*inputs.map(torch.Tensor.double)), case.candidates[0].build()(*inputs)
        assert found.value.item() == pytest.approx(exact.value.item(), rel=1e-4)
        assert all(torch.isfinite(each).all() for each in found.reconstruction)
        assert [name for name, _ in case.trials(0)] == ["several images", "one image"]
