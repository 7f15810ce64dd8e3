"""The environment of a benchmark, beside the one that every result records: caches, switches, clocks of the GPU."""

from __future__ import annotations

import hashlib
import os
import subprocess
from importlib import metadata
from pathlib import Path
from typing import Any

import torch

import ablate
from ablate.bench.clock import sensor

PACKAGES = ("triton", "pytorch-msssim", "piq", "torchmetrics")
SWITCHES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "PYTORCH_ALLOC_CONF", "CUDA_LAUNCH_BLOCKING")


def surroundings(device: str) -> dict[str, Any]:
    """Returns an allow-list of facts; no host name, no path."""
    facts: dict[str, Any] = {
        "kernel_sources": _digest(),
        "uncommitted_changes": _uncommitted(),
        "load_average": os.getloadavg()[0],
        "allocator": "glibc keeps freed memory" if device == "cpu" else "caching",
        "tf32": {"matmul": torch.backends.cuda.matmul.allow_tf32, "cudnn": torch.backends.cudnn.allow_tf32},
        "switches": {name: value for name, value in sorted(os.environ.items()) if _is_switch(name)},
        **{name: _version(name) for name in PACKAGES},
    }
    return facts | (_gpu(device) if device != "cpu" else {"vectors": torch.backends.cpu.get_cpu_capability()})


def gpu_state(device: str) -> dict[str, float] | None:
    """Reads clock rate, power and temperature of the GPU as far as it has sensors, and changes nothing."""
    if device == "cpu":
        return None
    readings = {
        "sm_mhz": torch.cuda.clock_rate,
        "watts": lambda: torch.cuda.power_draw() / 1000,
        "celsius": torch.cuda.temperature,
    }
    known = {name: value for name, reading in readings.items() if (value := sensor(reading)) is not None}
    return known or None


def _gpu(device: str) -> dict[str, Any]:
    properties = torch.cuda.get_device_properties(device)
    return {
        "gpu": properties.name,
        "gpu_uuid_sha256": hashlib.sha256(str(properties.uuid).encode()).hexdigest()[:12],
        "multiprocessors": properties.multi_processor_count,
        "cuda": torch.version.cuda,
        "driver": _driver(),
        "cudnn": torch.backends.cudnn.version(),
        "state": gpu_state(device),
    }


def _driver() -> str | None:
    try:
        return Path("/proc/driver/nvidia/version").read_text().split("Kernel Module")[1].split()[0]
    except (OSError, IndexError):
        return None


def _is_switch(name: str) -> bool:
    return name in SWITCHES or (name.startswith("TORCHINDUCTOR_") and not name.endswith("_DIR"))


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def _digest() -> str:
    """Returns the first 12 hex digits of the hash of all sources of kernels and losses."""
    root = Path(ablate.__file__).parent
    digest = hashlib.sha256()
    for path in sorted(path for part in ("kernels", "losses") for path in (root / part).rglob("*.[pc]*")):
        if path.suffix in (".py", ".c", ".cu", ".cpp"):
            digest.update(f"{path.relative_to(root).as_posix()}\0".encode() + path.read_bytes() + b"\0")
    return digest.hexdigest()[:12]


def _uncommitted() -> bool | None:
    """Says whether the sources differ from their commit; None where they are not a checkout."""
    command = ["git", "-C", str(Path(ablate.__file__).parent), "status", "--porcelain", "--", "."]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=10, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return bool(done.stdout.strip()) if done.returncode == 0 else None
