"""What is in C neither touches memory that is not its own nor uses any of it that nothing was written to."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from ablate.kernels import OPERATORS
from ablate.kernels.library import FLAGS, SOURCES, compiler, missing

ROOT = Path(__file__).parents[2]

pytestmark = [
    pytest.mark.skipif(missing("network") is not None, reason=str(missing("network"))),
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="guarded memory is that of Linux"),
]


@pytest.mark.parametrize("instructions", [[], ["-DWITHOUT_TILES"], ["-DWITHOUT_TILES", "-mno-avx512f"]], ids=str)
def test_convolutions_keep_to_their_memory(instructions: list[str], tmp_path: Path) -> None:
    found = compiler()
    assert found is not None
    flags = [each for each in FLAGS if each not in ("-shared", "-fPIC")]
    program, source = tmp_path / "guarded", Path(__file__).with_name("guarded.c")
    command = [*found.command, *flags, *instructions, "-DEVERY=11", f"-I{SOURCES / 'network'}", str(source)]
    subprocess.run([*command, "-o", str(program), "-lm"], check=True, timeout=120)
    done = subprocess.run([str(program)], capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done
    shapes, wrong = (int(word) for word in done.stdout.replace(",", "").split() if word.isdigit())
    assert shapes > 100
    assert wrong == 0


def python(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=300, check=False, cwd=ROOT)


def test_operators_read_no_further_than_their_tensors() -> None:
    done = python("-m", "tests.kernels.guarded")
    assert done.returncode == 0, done
    calls = json.loads(done.stdout)
    assert calls.keys() == OPERATORS.keys() | {"quantizer"}
    assert all(calls.values())


def test_who_reads_further_is_found() -> None:
    read = "import ctypes, torch; from tests.kernels.guarded import guarded; t = guarded(torch.zeros(3)); "
    assert python("-c", read + "print(ctypes.c_float.from_address(t.data_ptr() + 8))").returncode == 0
    assert python("-c", read + "print(ctypes.c_float.from_address(t.data_ptr() + 12))").returncode < 0
