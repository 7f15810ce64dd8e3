"""The kernels that are measured, by name."""

from __future__ import annotations

from collections.abc import MutableMapping

from ablate.bench.case import Kernel
from ablate.bench.cases import discriminator_outputs, images, own, penalties
from ablate.plugins.source import Source

KERNELS: MutableMapping[str, Kernel] = {
    kernel.name: kernel for kernel in (*images.KERNELS, *discriminator_outputs.KERNELS, *penalties.KERNELS)
}
"""Those of the package; `add_own` adds what plugins define."""


def add_own(source: Source) -> list[str]:
    """Adds the losses of a plugin that was loaded, and returns their names."""
    found = {kernel.name: kernel for kernel in own.own_kernels(source)}
    KERNELS.update(found)
    return list(found)
