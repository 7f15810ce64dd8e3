"""One training step of the preset `tiny`, without runner or store, by number of discriminator scales.

tox -e bench
"""

import pytest
import torch

from tests.bench.bare import BareTraining, tiny_cell


@pytest.mark.benchmark(group="training step, tiny, one thread")
@pytest.mark.parametrize("scales", [1, 3])
def test_training_step(benchmark, tmp_path, scales):
    torch.set_num_threads(1)
    training = BareTraining(tiny_cell(tmp_path, discriminator__scales=scales), tmp_path)
    benchmark.pedantic(training.step, rounds=60, warmup_rounds=5)
