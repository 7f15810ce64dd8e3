"""The kernels that are measured, by name."""

from __future__ import annotations

from collections.abc import Mapping

from ablate.bench.case import Kernel
from ablate.bench.cases import discriminator_outputs, images, penalties

KERNELS: Mapping[str, Kernel] = {
    kernel.name: kernel for kernel in (*images.KERNELS, *discriminator_outputs.KERNELS, *penalties.KERNELS)
}
