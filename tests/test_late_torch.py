"""What a plan looks up imports no torch, and torch is there where something of it is used."""

from __future__ import annotations

import subprocess
import sys

LOOKED_UP = """
import sys
from ablate.codecs.catalogue import codecs
from ablate.discriminators.catalogue import augmentations, augment_probabilities, discriminators
from ablate.losses.catalogue import adversarial_losses, distortions, feature_matchings, penalties
LOOK_AT_WEIGHTS = {"perceptual_lite0", "vgg", "lpips"}
for catalogue in (adversarial_losses, distortions, feature_matchings, penalties, augmentations, augment_probabilities):
    for name in set(catalogue) - LOOK_AT_WEIGHTS:
        given = {option: p.default for option, p in catalogue[name].options.items()}
        catalogue[name].refuse_what_it_refuses(catalogue[name].resolve(given))
for catalogue in (codecs, discriminators):
    for name in catalogue:
        assert catalogue[name].resolve({}) is not None
"""


def python(program: str) -> None:
    subprocess.run([sys.executable, "-c", program], check=True)


def test_looking_up_and_checking_what_a_grid_names_imports_no_torch() -> None:
    python(LOOKED_UP + "assert 'torch' not in sys.modules")


def test_a_loss_imports_torch_when_it_is_computed() -> None:
    python(
        "import sys; from ablate.losses.classic import hinge; from ablate.late_torch import F, torch;"
        "loss = hinge(); assert 'torch' not in sys.modules;"
        "zeros = torch.zeros(1, 1, 2, 2); assert loss.discriminator(zeros, zeros) == 2;"
        "import torch as real; assert torch.zeros is real.zeros and F.relu is real.nn.functional.relu"
    )


def test_what_torch_does_not_have_is_said_as_ever() -> None:
    python(
        "from ablate.late_torch import F\n"
        "try:\n    F.softminus\n"
        "except AttributeError as error:\n    assert 'softminus' in str(error)\n"
        "else:\n    raise AssertionError('found')"
    )
