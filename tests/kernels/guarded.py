"""Calls what is in C of every operator on tensors that end where none may be read: python -m tests.kernels.guarded.

A program of its own, since reading beyond a tensor is a segmentation fault. Prints how many calls there were, as JSON.
"""

from __future__ import annotations

import ctypes
import json
import mmap
import sys
from typing import Any

import torch
from torch import Tensor

from ablate.codecs.agustsson.quantizer import Quantizer
from ablate.codecs.agustsson.settings import ModelQuirks, QuantizerSettings
from ablate.kernels import OPERATORS, backends
from ablate.kernels.quantizer.native import FastQuantizer
from ablate.kernels.trial import Trial
from tests.kernels.test_backends import OPTIONS

_LIBC = ctypes.CDLL(None, use_errno=True)
_LIBC.mmap.restype = ctypes.c_void_p
_LIBC.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_long]
_LIBC.mprotect.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]


def guarded(tensor: Tensor) -> Tensor:
    """Returns a copy that lies as the tensor does, in memory of its own between two pages that nobody may touch."""
    storage = tensor.untyped_storage()
    pages, page = -(-storage.nbytes() // mmap.PAGESIZE), mmap.PAGESIZE
    flags = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS
    begin = _LIBC.mmap(None, (pages + 2) * page, 0, flags, -1, 0)
    assert begin != ctypes.c_void_p(-1).value
    assert _LIBC.mprotect(begin + page, pages * page, mmap.PROT_READ | mmap.PROT_WRITE) == 0
    room = (ctypes.c_char * storage.nbytes()).from_address(begin + (pages + 1) * page - storage.nbytes())
    copied = torch.frombuffer(room, dtype=tensor.dtype)
    copied.untyped_storage().copy_(storage)
    return copied.as_strided(tensor.size(), tensor.stride(), tensor.storage_offset())


def called(operator: str, options: dict[str, Any]) -> int:
    """Calls the operator in C on all of its trials; returns how many these are."""
    native = next((each for each in backends(operator) if each.name == "native"), None)
    if native is None or native.unavailable("cpu") is not None:
        return 0
    try:
        function = native.build(**options)
    except ValueError:  # options that it does not do
        return 0
    trials: list[Trial] = [trial.to("cpu", torch.float32) for trial in OPERATORS[operator].trials(options)]
    for trial in trials:
        function([guarded(each) for each in trial.image], [guarded(each) for each in trial.reconstruction])
    return len(trials)


def quantized() -> int:
    """Calls the quantizer in C on latents of several sizes; returns how many there were."""
    sizes = (1, 15, 16, 17, 4099)
    for size in sizes:
        module = Quantizer(QuantizerSettings(), ModelQuirks())
        module.centers = guarded(module.centers)
        FastQuantizer(module).run(guarded(torch.linspace(-4, 4, size)), slopes=True)
    return len(sizes)


def main() -> None:
    found = {operator: sum(called(operator, options) for options in OPTIONS[operator]) for operator in OPERATORS}
    json.dump(found | {"quantizer": quantized()}, sys.stdout)


if __name__ == "__main__":
    main()
