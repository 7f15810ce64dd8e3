"""Compiles the Triton kernels for sm_90 without a GPU and prints what their machine code is made of, as JSON.

A program of its own: it tells Triton that a Hopper GPU is there, and compiles what would be launched.

python -m tests.kernels.machine_code
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

import torch
import triton.backends.nvidia
from triton.backends.compiler import GPUTarget
from triton.runtime import driver
from triton.runtime.jit import KernelInterface

from ablate.kernels import backends

TOOLS = Path(triton.backends.nvidia.__file__).parent / "bin"


class NoGpu:
    """A driver that names a target and has nothing else."""

    def get_current_target(self) -> GPUTarget:
        return GPUTarget("cuda", 90, 32)

    def get_current_device(self) -> int:
        return 0

    def get_current_stream(self, _device: int) -> int:
        return 0


def launches(operator: str, images: Any, **options: Any) -> list[Any]:
    """Returns what an operator's backend launches, compiled and not launched."""
    compiled: list[Any] = []

    def compile_only(kernel: Any, grid: Any) -> Any:
        return lambda *given, **settings: compiled.append(kernel.warmup(*given, grid=grid, **settings))

    KernelInterface.__getitem__ = compile_only
    triton = next(each for each in backends(operator) if each.name == "triton")
    triton.build(**options)(*images)
    return list({each.hash: each for each in compiled}.values())


def facts(kernel: Any) -> dict[str, Any]:
    """Returns registers, stack and memory instructions of a compiled kernel."""
    with tempfile.NamedTemporaryFile(suffix=".cubin") as file:
        file.write(kernel.asm["cubin"])
        file.flush()
        code, usage = (
            subprocess.run([TOOLS / "cuobjdump", flag, file.name], capture_output=True, text=True, check=True).stdout
            for flag in ("-sass", "-res-usage")
        )
    used = dict(re.findall(r"(REG|STACK|LOCAL):(\d+)", usage))
    instructions = Counter(re.findall(r"\b((?:LDG|STG|LDL|STL|ATOMG|RED)[.\w]*)", code))
    return {
        "name": kernel.name,
        "registers": int(used["REG"]),
        "stack": int(used["STACK"]) + int(used["LOCAL"]),
        "instructions": instructions,
    }


def pair(*shapes: tuple[int, ...], dtype: torch.dtype = torch.float32) -> tuple[list[torch.Tensor], ...]:
    return tuple([torch.zeros(shape, dtype=dtype) for shape in shapes] for _ in range(2))


if __name__ == "__main__":
    driver.set_active(NoGpu())
    logits = ((8, 1, 32, 64), (8, 1, 16, 32), (8, 1, 8, 16))
    maps = [(1, 64 << i, 64 >> i, 128 >> i) for i in range(4)]
    image = (2, 3, 256, 256)
    bundle = {"mse": 1.0, "l1": 1.0, "charbonnier": 1.0}
    found = {
        "adversarial lsgan": launches("adversarial", pair(*logits), loss="lsgan"),
        "adversarial hinge": launches("adversarial", pair(*logits), loss="hinge"),
        "adversarial vanilla": launches("adversarial", pair(*logits), loss="vanilla"),
        "adversarial one logit": launches("adversarial", pair((1, 1, 1, 1)), loss="hinge"),
        "distortion": launches("distortion", pair(image), **bundle),
        "distortion bfloat16": launches("distortion", pair(image, dtype=torch.bfloat16), **bundle),
        "feature_matching": launches("feature_matching", pair(*maps * 3)),
        "ms_ssim": launches("ms_ssim", pair(image)),
    }
    json.dump({name: [facts(kernel) for kernel in kernels] for name, kernels in found.items()}, sys.stdout)
