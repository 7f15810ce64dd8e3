"""What all tests stand on."""

import os
import signal

import pytest


def pytest_configure(config: pytest.Config) -> None:
    """Hides GPUs from tests that are not about them, and lets the processes that tests start be interrupted.

    Where nobody says otherwise `ablate` takes a GPU, and what tests expect of the CPU would depend on the machine.

    A shell ignores Ctrl-C for its jobs in the background, children inherit that, and `ablate` respects it.
    """
    if "gpu" not in config.getoption("markexpr"):
        os.environ["CUDA_VISIBLE_DEVICES"] = ""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
