"""Writes compressai.json: what CompressAI's entropy models give for parameters and values that are written with it.

It asks for an older numpy than this package, so it is run by hand, in an environment of its own:

    pip install compressai && python tests/codecs/entropy/from_compressai.py
"""

from __future__ import annotations

import json
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch
from compressai.entropy_models import EntropyBottleneck, GaussianConditional
from torch import Tensor

OUT = Path(__file__).with_suffix("").parent / "compressai.json"


def plain(tensor: Tensor) -> Any:
    return tensor.detach().double().tolist()


def factorized() -> dict[str, Any]:
    model = EntropyBottleneck(3, filters=(3, 3, 3, 3)).double()
    for name, parameter in model.named_parameters():
        if "factor" in name:
            torch.nn.init.normal_(parameter, std=0.4)
    values = (torch.randn(2, 3, 4, 5, dtype=torch.float64) * 6).requires_grad_()
    likelihood = model.eval()._likelihood(values.transpose(0, 1).reshape(3, 1, -1))
    likelihood = model.likelihood_lower_bound(likelihood[0] if isinstance(likelihood, tuple) else likelihood)
    likelihood = likelihood.reshape(3, 2, 4, 5).transpose(0, 1)
    (-likelihood.log2()).sum().backward()
    parameters = dict(model.named_parameters())
    kinds = (("matrix", "matrices"), ("bias", "biases"), ("factor", "factors"))  # older and newer releases
    names = {kind: [name for name in parameters if kind in name or plural in name] for kind, plural in kinds}
    return {
        **{kind: [plain(parameters[name]) for name in found] for kind, found in names.items()},
        "values": plain(values),
        "likelihood": plain(likelihood),
        "gradient": plain(values.grad),
        "gradient_of_matrix": [plain(parameters[name].grad) for name in names["matrix"]],
    }


def gaussian() -> dict[str, Any]:
    model = GaussianConditional(None).eval().double()
    values, mean = (torch.randn(400, dtype=torch.float64) * 4 for _ in range(2))
    scale = torch.rand(400, dtype=torch.float64) * 3  # below 0.11 for some
    for tensor in (values, mean, scale):
        tensor.requires_grad_()
    likelihood = model.likelihood_lower_bound(model._likelihood(values, scale, mean))
    (-likelihood.log2()).sum().backward()
    return {
        "values": plain(values),
        "mean": plain(mean),
        "scale": plain(scale),
        "likelihood": plain(likelihood),
        "gradients": {name: plain(t.grad) for name, t in (("values", values), ("mean", mean), ("scale", scale))},
    }


if __name__ == "__main__":
    torch.manual_seed(0)
    found = {"compressai": version("compressai"), "factorized": factorized(), "gaussian": gaussian()}
    OUT.write_text(json.dumps(found) + "\n")
