"""The numeric context of frozen networks and of windows: what is switched off in it, and that it is put back."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import nullcontext

import pytest
import torch
from torch.backends import cudnn

from ablate.networks.exact import exact, full_float32, full_precision


@pytest.fixture(autouse=True)
def _loose() -> Iterator[None]:
    """Everything that is fast and not exact, all around."""
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("medium")
    with cudnn.flags(enabled=True, benchmark=True, deterministic=False, allow_tf32=True):
        yield
    torch.set_float32_matmul_precision(before)


def taken() -> tuple[bool, bool, bool, bool, str, torch.dtype]:
    product = torch.ones(2, 2) @ torch.ones(2, 2)
    flags = cudnn.enabled, cudnn.benchmark, cudnn.deterministic, cudnn.allow_tf32
    return *flags, torch.get_float32_matmul_precision(), product.dtype


@pytest.mark.parametrize(
    ("context", "expected"),
    [
        (lambda _device: nullcontext(), (True, True, False, True, "medium", torch.bfloat16)),
        (lambda _device: full_float32(), (True, True, False, False, "highest", torch.bfloat16)),
        (full_precision, (True, True, False, False, "highest", torch.float32)),
        (exact, (True, False, True, False, "highest", torch.float32)),
    ],
)
def test_a_context_switches_off_what_it_says_and_puts_it_back(context, expected) -> None:
    with torch.autocast("cpu", torch.bfloat16):
        around = taken()
        with context(torch.device("cpu")):
            assert taken() == expected
        assert taken() == around
        with pytest.raises(KeyError), context(torch.device("cpu")):
            raise KeyError
        assert taken() == around
