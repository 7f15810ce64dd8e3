"""Norms of gradients: of each term at some tensor, and of the encoder's parameters."""

from __future__ import annotations

import torch
from torch import Tensor

from ablate.codecs.codec import TrainableCodec
from ablate.objective import Parts


def norm_at(tensor: Tensor, term: Tensor) -> Tensor:
    """Returns the norm of a term's gradient at a tensor, in float32 and without a gradient of its own."""
    (gradient,) = torch.autograd.grad(term, tensor, retain_graph=True, materialize_grads=True)
    return gradient.detach().float().norm()


def weighted_norms(parts: Parts, reconstruction: Tensor) -> dict[str, float]:
    """Returns the norm of each weighted term's gradient at the reconstruction (N, 3, H, W)."""
    return {name: float(norm_at(reconstruction, parts.weights[name] * term)) for name, term in parts.terms.items()}


def encoder_norm(codec: TrainableCodec) -> float:
    """Returns the norm of the last gradient that reached the encoder's parameters, or all of a codec without one."""
    gradients = [p.grad for p in codec.parts().get("encoder", codec).parameters() if p.grad is not None]
    return float(torch.nn.utils.get_total_norm(gradients)) if gradients else 0.0
