import importlib
from importlib import metadata

import pytest
import torch

from ablate.bench.case import Pair, Setting, Shape
from ablate.bench.cases import KERNELS
from ablate.bench.gate import Gate
from ablate.bench.measure import Admitted, _peak_bytes
from ablate.bench.names import BACKWARD, FORWARD
from ablate.bench.peers import channels_last, from_black, ms_ssim_peers
from ablate.bench.selection import Request

AT = Setting(BACKWARD, Shape(1, 3, 176, 176), torch.float32, "cpu")


def test_peers_see_black_at_zero_in_either_memory_format():
    black = Pair((torch.full((1, 3, 4, 5), -1.0),), (torch.ones(1, 3, 4, 5),))
    assert from_black(black).image[0].eq(0).all()
    assert channels_last(black).reconstruction[0].eq(2).all()
    assert channels_last(black).image[0].is_contiguous(memory_format=torch.channels_last)


def test_a_peer_that_is_not_installed_is_one_line_with_the_way_to_install_it(monkeypatch):
    def version(package):
        raise metadata.PackageNotFoundError(package)

    monkeypatch.setattr(metadata, "version", version)
    peers = list(ms_ssim_peers(AT))
    assert [peer.name for peer in peers] == ["pytorch-msssim", "piq", "torchmetrics"]
    assert all("pip install '.[peers]'" in peer.missing for peer in peers)


def test_naming_the_candidates_imports_no_peer(monkeypatch):
    monkeypatch.setattr(importlib, "import_module", lambda name: pytest.fail(f"{name} was imported"))
    assert len(list(ms_ssim_peers(AT))) >= 3


def test_the_memory_of_a_graph_is_not_that_of_a_replay():
    cuda = AT._replace(device="cuda")
    replayed = [each for each in KERNELS["mse"].case(cuda).candidates if each.replayed]
    assert [each.name for each in replayed] == ["torch-compile-reduce-overhead", "cuda-graph"]
    assert _peak_bytes("cuda", Admitted(replayed[1], lambda *_: pytest.fail("it was called"), [], 0.0)) is None


def test_kernels_that_give_gradients_take_no_part_in_the_forward_pass_alone():
    forward = {each.name for each in KERNELS["l1"].case(AT._replace(direction=FORWARD)).candidates}
    backward = {each.name for each in KERNELS["l1"].case(AT).candidates}
    assert "native" in backward
    assert "native" not in forward
    assert "torch-compile" in forward & backward


def test_names_of_backends_are_those_of_the_kernels_that_are_asked_for():
    assert Request(kernels=("ms_ssim",), backends=("piq",)).checked()
    with pytest.raises(ValueError, match="unknown backend 'piq'"):
        Request(kernels=("l1",), backends=("piq",)).checked()


def test_a_request_is_every_combination_of_what_a_kernel_is_for():
    request = Request(
        kernels=("l1", "r1"), shapes=(Shape(1, 3, 8, 8), Shape(2, 3, 8, 8)), dtypes=("bfloat16", "float32")
    )
    found = [(kernel.name, *setting[:3]) for kernel, setting in request.settings()]
    assert len(found) == len(set(found)) == 2 * 2 * 2 + 2
    assert all(dtype is torch.float32 for name, _, _, dtype in found if name == "r1")
    assert not request.steps_too
    assert Request().steps_too


@pytest.mark.parametrize("package", ["pytorch-msssim", "piq"])
def test_peers_that_define_ms_ssim_alike_may_be_timed(package):
    case = KERNELS["ms_ssim"].case(AT)
    for peer in (each for each in case.candidates if each.name in (package, f"{package}-channels-last")):
        assert peer.missing is None
        assert Gate(case, seed=4).refusal(peer, peer.build()) is None
