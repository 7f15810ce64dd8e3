from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ablate.codecs.entropy.bounded import at_least
from ablate.codecs.entropy.factorized import Factorized
from ablate.codecs.entropy.gaussian import SMALLEST_SCALE, probability, scale_index, scale_table

COMPRESSAI = json.loads((Path(__file__).parent / "compressai.json").read_text())
"""Made by from_compressai.py."""


def test_probabilities_of_all_integers_add_up_to_one():
    torch.manual_seed(0)
    values = torch.arange(-400.0, 401.0).expand(1, 3, 1, -1).contiguous()
    assert torch.allclose(Factorized(3)(values).sum(-1), torch.ones(1, 3, 1), atol=1e-4)
    for scale in (0.11, 1.0, 30.0):
        found = probability(values, torch.full_like(values, 0.3), torch.full_like(values, scale))
        assert torch.allclose(found.sum(-1), torch.ones(1, 3, 1), atol=1e-4)


def test_a_gaussian_is_that_of_scipy():
    from scipy import stats

    values, mean, scale = torch.tensor([3.0, -2.0, 9.0]), torch.tensor([2.6, 0.1, 8.0]), torch.tensor([0.5, 2.0, 1.0])
    known = stats.norm.cdf(values + 0.5, mean, scale) - stats.norm.cdf(values - 0.5, mean, scale)
    assert torch.allclose(probability(values.double(), mean.double(), scale.double()), torch.tensor(known), atol=1e-12)


def test_gradients_are_those_of_finite_differences():
    torch.manual_seed(0)
    model = Factorized(2).double()
    for parameter in model.factors:
        torch.nn.init.normal_(parameter, std=0.3)
    values = torch.randn(1, 2, 2, 2, dtype=torch.float64).mul(3).requires_grad_()
    assert torch.autograd.gradcheck(lambda x: -model(x).log2(), (values,))

    def bits(value: Tensor, mean: Tensor, scale: Tensor) -> Tensor:
        return -probability(value, mean, scale).log2()

    arguments = [torch.rand(5, dtype=torch.float64).add(0.4).requires_grad_() for _ in range(3)]
    assert torch.autograd.gradcheck(bits, tuple(arguments))


def test_a_bound_lets_a_gradient_through_that_leads_back_above_it():
    for slope, expected in ((1.0, 0.0), (-1.0, -1.0)):
        value = torch.tensor(0.05, requires_grad=True)
        (slope * at_least(value, SMALLEST_SCALE)).backward()
        assert value.grad == expected


def test_the_nearest_scale_is_taken():
    table = torch.tensor(scale_table())
    assert torch.equal(scale_index(table * 1.03), torch.arange(64))
    assert scale_index(torch.tensor([0.0, 1e9])).tolist() == [0, 63]


def double(values: Any) -> Tensor:
    return torch.tensor(values, dtype=torch.float64)


def test_the_factorized_model_is_compressais_on_equal_parameters():
    known = COMPRESSAI["factorized"]
    model = Factorized(3).double()
    with torch.no_grad():
        for own, name in ((model.matrices, "matrix"), (model.biases, "bias"), (model.factors, "factor")):
            for parameter, values in zip(own, known[name], strict=True):
                parameter.copy_(double(values))
    values = double(known["values"]).requires_grad_()
    likelihood = model(values)
    (-likelihood.log2()).sum().backward()
    assert torch.allclose(likelihood, double(known["likelihood"]), rtol=1e-9, atol=1e-14)
    assert torch.allclose(values.grad, double(known["gradient"]), rtol=1e-8, atol=1e-10)
    for parameter, gradient in zip(model.matrices, known["gradient_of_matrix"], strict=True):
        assert torch.allclose(parameter.grad, double(gradient), rtol=1e-8, atol=1e-9)


def test_the_gaussian_model_is_compressais_on_equal_parameters():
    known = COMPRESSAI["gaussian"]
    given = {name: double(known[name]).requires_grad_() for name in ("values", "mean", "scale")}
    likelihood = probability(**given)
    (-likelihood.log2()).sum().backward()
    # Its least scale and least likelihood are kept in float32.
    assert torch.allclose(likelihood, double(known["likelihood"]), rtol=1e-6, atol=1e-14)
    for name, tensor in given.items():
        assert torch.allclose(tensor.grad, double(known["gradients"][name]), rtol=1e-5, atol=1e-8), name
