"""A sum over all programs of one launch, in a fixed order, without a second launch."""

from __future__ import annotations

import torch
import triton
import triton.language as tl
from torch import Tensor

SUMMED = tl.constexpr(1024)


@triton.jit
def sum_of_all(mine, partial, ticket, value):
    """Stores this program's part; the program that comes last adds all parts up, in their order, into `value`.

    Each takes a ticket after its part is visible to all. The last puts the ticket back to 0 for the next launch.
    """
    programs = tl.num_programs(0)
    tl.store(partial + tl.program_id(0), mine)
    tl.debug_barrier()
    before = tl.atomic_add(ticket, 1, sem="acq_rel", scope="gpu")
    if before == programs - 1:
        lanes = tl.arange(0, SUMMED)
        total = tl.zeros((SUMMED,), tl.float32)
        # Not range(0, programs, SUMMED): the interpreter of Triton 3.6 cannot count so far under NumPy 2.4.
        start = 0
        while start < programs:
            # From L2, where other multiprocessors' parts are; L1 knows nothing of them.
            here = start + lanes < programs
            total += tl.load(partial + start + lanes, mask=here, other=0.0, cache_modifier=".cg")
            start += SUMMED
        tl.store(value, tl.sum(total, axis=0))
        tl.store(ticket, 0)


class Tickets:
    """The counters that launches draw from: one for each stream, since launches on one stream never overlap.

    A launch that is captured into a graph has one of its own, which the graph itself sets to 0 each time: it may be
    replayed on any stream, beside launches on the one that it was captured on.
    """

    def __init__(self) -> None:
        self._of: dict[tuple[torch.device, int], Tensor] = {}

    def on(self, device: torch.device) -> Tensor:
        """Returns the counter of the current stream, made at its first use; a new one while a graph is captured."""
        if device.type == "cuda" and torch.cuda.is_current_stream_capturing():
            return torch.zeros((), dtype=torch.int32, device=device)
        stream = torch.cuda.current_stream(device).cuda_stream if device.type == "cuda" else 0
        if (device, stream) not in self._of:
            self._of[device, stream] = torch.zeros((), dtype=torch.int32, device=device)
        return self._of[device, stream]
