"""One training step of the preset `tiny`, without runner or store, by number of discriminator scales.

tox -e bench
"""

import pytest
import torch

from ablate.bench.training_step import BareTraining, cell_of

pytestmark = pytest.mark.bench


@pytest.mark.benchmark(group="training step, tiny, one thread")
@pytest.mark.parametrize("scales", [1, 3])
def test_training_step(benchmark, tmp_path, scales):
    torch.set_num_threads(1)
    training = BareTraining(cell_of("tiny", tmp_path, discriminator__scales=scales), tmp_path)
    benchmark.pedantic(training.step, rounds=60, warmup_rounds=5)
