"""Trained codecs: weights to identity, images to files and back."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor
from torch.backends import cudnn

from ablate.codecs.agustsson.bitstream import read_header
from ablate.codecs.agustsson.initial import build_codec
from ablate.store import Entry, Store
from ablate.trained import load, model_id
from ablate.trained.codec import WrongModelError
from tests.trained.cells import commit, tiny_cell


@pytest.fixture
def entry(tmp_path: Path) -> Entry:
    return commit(Store(tmp_path / "runs", "grid"), tiny_cell(noise=True))


def noisy(height: int, width: int, seed: int = 0) -> Tensor:
    return torch.randint(0, 256, (3, height, width), generator=torch.Generator().manual_seed(seed), dtype=torch.uint8)


@pytest.mark.parametrize("size", [(1, 1), (1, 40), (3, 2), (16, 16), (33, 50)])
def test_a_file_gives_back_the_image_that_the_symbols_mean(entry: Entry, size: tuple[int, int]) -> None:
    codec = load(entry, "ema")
    original = noisy(*size)
    file = codec.compress(original)
    expected = codec.image(codec.symbols(original), size)
    assert expected.shape == (3, *size)
    assert expected.dtype == torch.uint8
    # Another process reads other files before, or none: it starts from the weights alone.
    again = load(entry, "ema")
    again.compress(noisy(20, 20, seed=1))
    assert torch.equal(again.decompress(file), expected)
    assert again.compress(original) == file


def test_float32_is_no_tf32_and_convolutions_repeat(entry: Entry) -> None:
    codec = load(entry, "ema")
    switches: list[tuple[bool, bool]] = []
    for module in (codec.codec.encoder, codec.codec.generator):
        module.register_forward_hook(lambda *_: switches.append((cudnn.allow_tf32, cudnn.deterministic)))
    codec.decompress(codec.compress(noisy(16, 16)))
    assert switches == [(False, True)] * 2
    assert (cudnn.allow_tf32, cudnn.deterministic) == (True, False)


def test_the_noise_belongs_to_the_model_and_to_nothing_else(tmp_path: Path) -> None:
    first, second = (
        load(commit(Store(tmp_path / str(seed), "grid"), tiny_cell(noise=True, seed=seed), weights_of=0), "ema")
        for seed in (0, 1)
    )
    assert first.model_id != second.model_id, "equal weights, but other noise"
    symbols = first.symbols(noisy(32, 32))
    assert not torch.equal(first.image(symbols, (32, 32)), second.image(symbols, (32, 32)))


def test_the_identity_of_a_model_is_what_it_computes() -> None:
    cell = tiny_cell()
    codec = build_codec(cell.model, 0)
    same = model_id(cell, codec)
    assert len(same) == 6
    assert model_id(cell, build_codec(cell.model, 0)) == same
    assert model_id(tiny_cell(seed=5), codec) == same, "without noise the seed reaches nothing"
    assert model_id(tiny_cell(levels=7), build_codec(tiny_cell(levels=7).model, 0)) != same
    with torch.no_grad():
        next(codec.generator.parameters()).flatten()[0] += 1e-7
    assert model_id(cell, codec) != same


def test_a_file_of_other_weights_is_refused(entry: Entry) -> None:
    averaged, raw = load(entry, "ema"), load(entry, "raw")
    file = averaged.compress(noisy(20, 30))
    assert read_header(file).model == averaged.model_id
    with pytest.raises(WrongModelError, match=f"model {averaged.model_id.hex()}, and this is .* {raw.model_id.hex()}"):
        raw.decompress(file)


def test_a_truncated_or_altered_file_is_refused(entry: Entry) -> None:
    codec = load(entry, "ema")
    file = codec.compress(noisy(20, 30))
    for broken in (b"", file[:10], file[:-1], file[:30] + bytes([file[30] ^ 1]) + file[31:]):
        with pytest.raises(ValueError, match=r"truncated|altered|not a file"):
            codec.decompress(broken)


def test_weights_in_another_memory_layout_are_the_same_model(tmp_path: Path) -> None:
    plain = load(commit(Store(tmp_path / "a", "grid"), tiny_cell()), "ema")
    last = load(commit(Store(tmp_path / "b", "grid"), tiny_cell(channels_last=True)), "ema")
    assert last.model_id == plain.model_id
    assert last.codec.encoder[0].conv.weight.is_contiguous(memory_format=torch.channels_last)


def test_altered_or_missing_weights_are_refused(entry: Entry) -> None:
    content = entry.weights.read_bytes()
    entry.weights.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    with pytest.raises(ValueError, match=r"weights\.pt is altered: its sha256 is"):
        load(entry, "ema")
    entry.weights.unlink()
    with pytest.raises(ValueError, match=r"weights\.pt is missing"):
        load(entry, "ema")


@pytest.mark.parametrize("status", ["diverged", "pending"])
def test_only_a_cell_that_is_done_has_weights(tmp_path: Path, status: str) -> None:
    entry = commit(Store(tmp_path, "grid"), tiny_cell(), status=status)
    with pytest.raises(ValueError, match=rf"cell .* \(tiny seed=0\) is {status} and has no final weights"):
        load(entry, "ema")
