import torch
from torch.nn.functional import conv2d, mse_loss

from ablate.bench.traffic import traffic


def test_views_move_nothing_and_operations_read_and_write():
    x = torch.rand(4, 8)
    assert traffic(lambda: x.t().reshape(8, 4)[1:3]).launches == 0
    counted = traffic(lambda: x.view(32) * 2)
    assert (counted.launches, counted.bytes) == (1, 2 * 4 * 32)


def test_what_is_expanded_is_read_once():
    row, whole = torch.rand(1, 8), torch.rand(4, 8)
    assert traffic(lambda: row.expand(4, 8) + whole).bytes == 4 * (8 + 32 + 32)


def test_the_backward_pass_counts():
    x, y = torch.rand(100, requires_grad=True), torch.rand(100)
    forward = traffic(lambda: mse_loss(x, y))
    both = traffic(lambda: torch.autograd.grad(mse_loss(x, y), x))
    assert both.launches > forward.launches
    assert both.bytes >= forward.bytes + 4 * 300  # x and y again, and the gradient


def test_products_count_their_operations():
    image, weight = torch.rand(1, 2, 8, 8), torch.rand(4, 2, 3, 3)
    assert traffic(lambda: conv2d(image, weight)).flops == 2 * 4 * 2 * 9 * 36
