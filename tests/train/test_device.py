"""Training and measuring on another device than the CPU: nothing is left on the CPU, and no step waits."""

from __future__ import annotations

import pytest
from torch.utils import backend_registration

from tests.beside import run_beside


@pytest.mark.skipif(
    not hasattr(backend_registration, "_setup_privateuseone_for_python_backend"),
    reason="this torch has no devices written in Python",
)
def test_all_that_trains_and_measures_stays_on_its_device_and_no_plain_step_waits_for_it() -> None:
    found = run_beside("tests.train.on_another_device")
    assert len(found) > 80
    assert {case: problem for case, problem in found.items() if problem is not None} == {}
