"""Backends in C: an operator's C file is compiled with the system's compiler, once, and loaded.

What was compiled is kept under the user's cache directory and named by a hash of all that it depends on: source,
flags, compiler and processor. Where there is no compiler, or none that works, the reason is what one gets.
"""

from __future__ import annotations

import ctypes
import functools
import hashlib
import os
import platform
import shlex
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ablate.kernels.backend import Backend, Function

SOURCES = Path(__file__).parent
COMPILERS = ("cc", "gcc", "clang")
FLAGS = (
    "-std=c11",
    "-O2",
    "-ftree-vectorize",
    "-march=native",
    "-fPIC",
    "-shared",
    # Loops say themselves which sums may be reordered. Not -ffast-math: it drops NaN, and gcc before 13 links code into
    # the library that makes the whole process flush denormals to zero when it is loaded.
    "-fopenmp-simd",
    "-ffp-contract=fast",
    "-fno-signed-zeros",
    "-fno-trapping-math",
    "-fno-math-errno",
)
SECONDS = 120.0


class Uncompiled(RuntimeError):  # noqa: N818 - it is a circumstance, and the message names it
    """A native kernel cannot be had here; the message says why."""


@dataclass(frozen=True)
class Compiler:
    """A C compiler by its command and what it says of itself."""

    command: tuple[str, ...]
    version: str


def in_c(operator: str, build: Callable[..., Function], source: str | None = None) -> Backend:
    """Returns the backend that calls into C; `source` names the operator whose C file it needs where not its own."""
    return Backend(operator, "native", build, ("cpu",), lambda _: missing(source or operator))


@functools.cache
def missing(name: str) -> str | None:
    """Returns why the kernels of a C file cannot be used here, in a sentence, or None where they can."""
    try:
        library(name)
    except Uncompiled as error:
        return str(error)
    return None


@functools.cache
def library(name: str) -> ctypes.CDLL:
    """Returns the loaded library of the C file in an operator's folder, compiled now unless that was done before.

    Raises:
        Uncompiled: where there is no compiler, it refuses, or nothing can be written.
    """
    found = compiler()
    if found is None:
        raise Uncompiled(f"no C compiler (looked for $CC, {', '.join(COMPILERS)})")
    try:
        path = _compiled(SOURCES / name / f"{name}.c", found)
        return ctypes.CDLL(str(path))
    except OSError as error:
        raise Uncompiled(f"{name}.c cannot be compiled or loaded: {error}") from error


@functools.cache
def compiler() -> Compiler | None:
    """Returns $CC or the first C compiler on the path, or None where there is none that answers."""
    named = os.environ.get("CC")
    for candidate in (named,) if named else COMPILERS:
        command = tuple(shlex.split(candidate))
        if shutil.which(command[0]) is None:
            continue
        try:
            said = subprocess.run([*command, "--version"], capture_output=True, text=True, timeout=20, check=False)
        except (OSError, subprocess.TimeoutExpired):
            continue
        if said.returncode == 0:
            return Compiler(command, said.stdout)
    return None


def cache() -> Path:
    """Returns the directory of compiled kernels: $XDG_CACHE_HOME/ablate/kernels, by default below ~/.cache."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "ablate" / "kernels"


def _compiled(source: Path, compiler: Compiler) -> Path:
    target = cache() / f"{source.stem}-{_key(source, compiler)}.so"
    if target.exists():
        return target
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    # Beside, then renamed: of two processes that compile at once, each finds a whole file.
    descriptor, name = tempfile.mkstemp(suffix=".so", dir=target.parent)
    os.close(descriptor)
    try:
        # Some compilers come without OpenMP; the kernels then run on one thread.
        for threads in (("-fopenmp",), ()):
            command = [*compiler.command, *FLAGS, *threads, str(source), "-o", name, "-lm"]
            try:
                done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=False)
            except subprocess.TimeoutExpired as error:
                raise Uncompiled(f"{source.name}: {compiler.command[0]} took over {SECONDS:g} s") from error
            if done.returncode == 0:
                os.replace(name, target)
                return target
        said = next((line for line in done.stderr.splitlines() if "error" in line), done.stderr.strip())
        raise Uncompiled(f"{source.name}: {compiler.command[0]} refuses: {said}")
    finally:
        Path(name).unlink(missing_ok=True)


def _key(source: Path, compiler: Compiler) -> str:
    digest = hashlib.sha256()
    headers = sorted([*source.parent.glob("*.h"), *SOURCES.glob("*.h")])
    texts = [each.read_text() for each in (source, *headers)]
    parts = (*texts, " ".join(FLAGS), *compiler.command, compiler.version, _processor())
    for part in parts:
        digest.update(part.encode() + b"\0")
    return digest.hexdigest()[:16]


def _processor() -> str:
    """Returns what -march=native depends on: model and instruction sets."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return f"{platform.machine()} {platform.processor()}"
    return "\n".join(sorted({line for line in lines if line.startswith(("model name", "flags", "Features"))}))
