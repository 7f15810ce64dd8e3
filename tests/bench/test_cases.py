import math

import pytest
import torch

from ablate.bench.case import DTYPES, Setting, Shape
from ablate.bench.cases import KERNELS
from ablate.bench.cases.discriminator_outputs import logits_of, maps_of
from ablate.bench.gate import Gate
from ablate.bench.names import BASELINE
from ablate.rng import stream

SMALL = {"ms_ssim": Shape(1, 3, 176, 177), "r1": Shape(1, 3, 32, 32), "gp": Shape(1, 3, 32, 32)}
"""Where 2 x 3 x 64 x 64 is too small or too much."""


SETTINGS = [(kernel.name, direction) for kernel in KERNELS.values() for direction in kernel.directions]
IN_BFLOAT16 = [(name, direction) for name, direction in SETTINGS if "bfloat16" in KERNELS[name].dtypes]


def case_of(name, direction, dtype="float32"):
    return KERNELS[name].case(Setting(direction, SMALL.get(name, Shape(2, 3, 64, 64)), DTYPES[dtype], "cpu"))


@pytest.mark.parametrize(("name", "direction"), SETTINGS)
def test_eager_and_all_that_needs_no_compiler_agree_with_float64(name, direction):
    case = case_of(name, direction)
    gate = Gate(case, seed=11)
    for candidate in case.candidates:
        if candidate.missing is None and not candidate.specialised and candidate.peer is None:
            assert (candidate.name, gate.refusal(candidate, candidate.build())) == (candidate.name, None)


@pytest.mark.parametrize(("name", "direction"), IN_BFLOAT16)
def test_eager_agrees_with_float64_in_bfloat16(name, direction):
    case = case_of(name, direction, "bfloat16")
    baseline = case.candidates[0]
    assert Gate(case, seed=11).refusal(baseline, baseline.build()) is None


@pytest.mark.parametrize(("name", "direction"), SETTINGS)
def test_the_least_work_is_inputs_read_once_and_gradients_written_once(name, direction):
    case = case_of(name, direction)
    pair = case.inputs(stream(0, "test"))
    result = case.candidates[0].build()(*pair)
    written = sum(gradient.nbytes for gradient in (*result.image, *result.reconstruction))
    if case.kernel in ("r1", "gp"):
        # Here "image" stands for the weights, which are read, too; R1 does not look at the reconstruction.
        assert case.work.bytes == 2 * written + pair.image[0].nbytes * (1 + (case.kernel == "gp"))
    else:
        assert case.work.bytes == pair.bytes + written
    assert case.candidates[0].name == BASELINE


def test_logits_and_maps_have_the_shapes_of_the_sources_discriminators():
    logits, _ = logits_of(Shape(8, 3, 512, 1024))
    assert 2 * sum(map(math.prod, logits)) == 43_008  # of image and reconstruction
    maps, _ = maps_of(Shape(1, 3, 256, 256))
    assert len(maps) == 12
    assert maps[0] == (1, 64, 128, 128)
    assert maps[3] == (1, 512, 16, 16)
    assert maps[4] == (1, 64, 64, 64)


@pytest.mark.parametrize("text", ["8x3x256", "8x1x256x256", "0x3x256x256", "8x3x256x256x2", "axbxcxd", ""])
def test_a_shape_that_is_none_is_refused_by_an_example(text):
    with pytest.raises(ValueError, match="such as 8x3x256x256"):
        Shape.parse(text)


def test_a_shape_is_read_as_it_is_written():
    assert str(Shape.parse("8x3x256x512")) == "8x3x256x512"
    assert torch.Size(Shape.parse("8x3x256x512")) == torch.Size((8, 3, 256, 512))
