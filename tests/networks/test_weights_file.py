"""Files of weights: where they are looked for, and which are refused."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from ablate.networks import imagenet, lpips_heads
from ablate.networks.weights_file import WeightsFile

WEIGHTS = WeightsFile("net-0123.pth", "", "ABLATE_NET", "https://example.org/net-0123.pth")


@pytest.fixture
def cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """The folder of torch's downloads, empty; the variable is not set."""
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.delenv("ABLATE_NET", raising=False)
    folder = tmp_path / "hub" / "checkpoints"
    folder.mkdir(parents=True)
    return folder


def saved(path: Path) -> WeightsFile:
    torch.save({"weight": torch.arange(3.0)}, path)
    return replace(WEIGHTS, sha256=hashlib.sha256(path.read_bytes()).hexdigest()[:8])


def test_a_file_in_torchs_cache_is_found(cache: Path) -> None:
    weights = saved(cache / "net-0123.pth")
    assert weights.find() == cache / "net-0123.pth"
    assert weights.load()["weight"].tolist() == [0, 1, 2]


def test_the_variable_goes_before_the_cache(cache: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    saved(cache / "net-0123.pth")
    monkeypatch.setenv("ABLATE_NET", str(tmp_path / "mine.pth"))
    with pytest.raises(ValueError, match=r"there is no file .*mine\.pth, as ABLATE_NET names it"):
        WEIGHTS.find()
    assert saved(tmp_path / "mine.pth").find() == tmp_path / "mine.pth"


def test_an_absent_file_is_an_error_that_says_where_and_how(cache: Path) -> None:
    with pytest.raises(ValueError, match=r"weights net-0123\.pth are absent") as caught:
        WEIGHTS.load()
    for part in (str(cache / "net-0123.pth"), "ABLATE_NET names no other", "fetch https://example.org/net-0123.pth"):
        assert part in str(caught.value)


def test_another_file_of_that_name_is_refused(cache: Path) -> None:
    saved(cache / "net-0123.pth")
    with pytest.raises(ValueError, match=r"has the sha256 [0-9a-f]{64}; net-0123\.pth begins with 00000000"):
        replace(WEIGHTS, sha256="00000000").load()


def test_the_published_files_are_told_by_their_digits() -> None:
    files = [b.weights for b in (imagenet.VGG19, imagenet.VGG16, imagenet.ALEXNET)]
    assert [each.sha256 for each in files] == ["dcbb9e9d", "397923af", "7be5be79"]
    assert all(len(heads.weights.sha256) == 64 for heads in lpips_heads.HEADS.values())
