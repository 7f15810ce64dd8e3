"""Programs of the tests that need a process of their own: for what they switch on before torch is imported."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any


def run_beside(module: str) -> Any:
    """Returns the JSON that a module prints when it is run as a program."""
    here = Path(__file__).parents[1]
    environment = os.environ | {"PYTHONPATH": f"{here}{os.pathsep}{os.environ.get('PYTHONPATH', '')}"}
    command = [sys.executable, "-m", module]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, cwd=here, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout)
