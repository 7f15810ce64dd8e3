"""Training and measuring on another device than the CPU: nothing is left on the CPU, and no step waits."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from torch.utils import backend_registration


@pytest.mark.skipif(
    not hasattr(backend_registration, "_setup_privateuseone_for_python_backend"),
    reason="this torch has no devices written in Python",
)
def test_all_that_trains_and_measures_stays_on_its_device_and_no_plain_step_waits_for_it() -> None:
    here = Path(__file__).parents[2]
    environment = os.environ | {"PYTHONPATH": f"{here}{os.pathsep}{os.environ.get('PYTHONPATH', '')}"}
    done = subprocess.run(
        [sys.executable, "-m", "tests.train.on_another_device"],
        capture_output=True,
        text=True,
        env=environment,
        cwd=here,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    found = json.loads(done.stdout)
    assert len(found) > 80
    assert {case: problem for case, problem in found.items() if problem is not None} == {}
