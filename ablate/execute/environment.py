"""Versions, machine and code that a result is made with. An allow-list, so that no secret slips in."""

from __future__ import annotations

import functools
import hashlib
import platform
import subprocess
from importlib import metadata
from pathlib import Path
from typing import Any

import ablate
from ablate.cores import cores
from ablate.execute.capacity import Capacity
from ablate.plugins.load import loaded
from ablate.records import Environment

PACKAGES = ("torch", "torchvision", "numpy", "pillow", "scipy", "scikit-image", "constriction", "pydantic")
SOURCES = ("*.py", "*.c", "*.h")
ABOUT_RESULTS_ONLY = ("cli", "report", "analysis", "check", "bench")
"""Parts of the package that no result depends on; a change there makes no result another one."""


@functools.cache
def code_fingerprint() -> str:
    """Returns the first 12 hex digits of the hash of all Python and C files, headers too, that a result depends on."""
    root = Path(ablate.__file__).parent
    digest = hashlib.sha256()
    for path in sorted(path for pattern in SOURCES for path in root.rglob(pattern)):
        relative = path.relative_to(root)
        if relative.parts[0] not in ABOUT_RESULTS_ONLY:
            digest.update(f"{relative.as_posix()}\0".encode() + path.read_bytes() + b"\0")
    return digest.hexdigest()[:12]


def environment_of(capacity: Capacity) -> Environment:
    """Returns the environment of the attempts of a run."""
    return provenance(capacity.device, capacity.threads).noting(cells_at_once=capacity.cells_at_once)


def provenance(device: str, threads: int) -> Environment:
    """Returns the environment that attempts and results record; imports nothing heavy."""
    versions = {name: _version(name) for name in PACKAGES}
    facts = {
        "fingerprint": code_fingerprint(),
        "git": _commit(),
        "device": device,
        "threads": threads,
        "cores": cores(),
        "cpu": _cpu(),
        "platform": platform.platform(),
        "python": platform.python_version(),
        "ablate": _version("ablate"),
        **versions,
        **({"plugins": {source.name: source.defined_by for source in loaded()}} if loaded() else {}),
    }
    return Environment.model_validate(facts)


def accelerator() -> dict[str, Any]:
    """Returns name and driver side versions of the GPU that this process uses; imports torch."""
    import torch

    return {"gpu": torch.cuda.get_device_name(), "cuda": torch.version.cuda, "cudnn": torch.backends.cudnn.version()}


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def _cpu() -> str | None:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or None
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), None)


def _commit() -> str | None:
    """Returns the commit that the package's sources are checked out at, or None where they are installed.

    An installed package may lie in a repository that does not hold it: a virtual environment inside a project.
    """
    held = _git("ls-files", "--error-unmatch", Path(ablate.__file__).name)
    return _git("rev-parse", "--verify", "--quiet", "HEAD") if held else None


def _git(*arguments: str) -> str | None:
    """Returns what git says about the directory of the package, None where it fails or there is no git."""
    command = ["git", "-C", str(Path(ablate.__file__).parent), *arguments]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=5, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() or None if done.returncode == 0 else None
