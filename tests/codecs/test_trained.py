"""Trained codecs: weights to identity, images to files and back."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor
from torch.backends import cudnn

from ablate.codecs.build import build_codec
from ablate.codecs.codec import TrainableCodec
from ablate.codecs.container import opened
from ablate.codecs.trained import TrainedCodec, WrongModelError, model_id
from ablate.config import Cell, Model
from ablate.pixels import to_uint8
from ablate.rng import stream
from ablate.store import Entry, Store
from ablate.store.weights import load
from tests.store.cells import commit, tiny_cell


@pytest.fixture
def entry(tmp_path: Path) -> Entry:
    return commit(Store(tmp_path / "runs", "grid"), tiny_cell(noise=True))


def noisy(height: int, width: int, seed: int = 0) -> Tensor:
    return torch.randint(0, 256, (3, height, width), generator=torch.Generator().manual_seed(seed), dtype=torch.uint8)


def meant(codec: TrainedCodec, symbols: Tensor, size: tuple[int, int]) -> Tensor:
    """Returns the image that symbols stand for, by the networks alone."""
    with torch.inference_mode():
        image = codec.networks.decompress(symbols[None], size, stream(codec.seed, "evaluation.noise"))
    return to_uint8(image[0])


@pytest.mark.parametrize("size", [(1, 1), (1, 40), (3, 2), (16, 16), (33, 50)])
def test_a_file_gives_back_the_image_that_the_symbols_mean(entry: Entry, size: tuple[int, int]) -> None:
    codec = load(entry, "ema")
    original = noisy(*size)
    file = codec.encode(original)
    expected = meant(codec, codec.symbols(file).values, size)
    assert expected.shape == (3, *size)
    assert expected.dtype == torch.uint8
    # Another process reads other files before, or none: it starts from the weights alone.
    again = load(entry, "ema")
    again.encode(noisy(20, 20, seed=1))
    assert torch.equal(again.decode(file), expected)
    assert again.encode(original) == file


def test_float32_is_no_tf32_and_convolutions_repeat(entry: Entry) -> None:
    codec = load(entry, "ema")
    switches: list[tuple[bool, bool]] = []
    for module in (codec.networks.encoder, codec.networks.generator):
        module.register_forward_hook(lambda *_: switches.append((cudnn.allow_tf32, cudnn.deterministic)))
    codec.decode(codec.encode(noisy(16, 16)))
    assert switches == [(False, True)] * 2
    assert (cudnn.allow_tf32, cudnn.deterministic) == (True, False)


def test_the_noise_belongs_to_the_model_and_to_nothing_else(tmp_path: Path) -> None:
    first, second = (
        load(commit(Store(tmp_path / str(seed), "grid"), tiny_cell(noise=True, seed=seed), weights_of=0), "ema")
        for seed in (0, 1)
    )
    assert first.model_id != second.model_id, "equal weights, but other noise"
    symbols = first.symbols(first.encode(noisy(32, 32))).values
    assert not torch.equal(*(meant(codec, symbols, (32, 32)) for codec in (first, second)))


def named(cell: Cell, codec: TrainableCodec) -> bytes:
    return model_id(codec, cell.model, cell.seed)


def test_the_identity_of_a_model_is_what_it_computes() -> None:
    cell = tiny_cell()
    codec = build_codec(cell.model, 0)
    same = named(cell, codec)
    assert len(same) == 6
    assert named(cell, build_codec(cell.model, 0)) == same
    assert named(tiny_cell(seed=5), codec) == same, "without noise the seed reaches nothing"
    assert named(tiny_cell(levels=7), build_codec(tiny_cell(levels=7).model, 0)) != same
    with torch.no_grad():
        next(codec.generator.parameters()).flatten()[0] += 1e-7
    assert named(cell, codec) != same


def test_a_model_keeps_the_name_that_its_files_hold() -> None:
    """Drawn weights are whole multiples of 2^-24 scaled once, so that every processor has them to the bit."""
    model = Model(
        channels=2, width=4, downsamplings=2, residual_blocks=1, norm="channel", latent_norm="batch",
        noise=True, noise_channels=8,
    )  # fmt: skip
    assert model_id(build_codec(model, 3), model, 3).hex() == "38777491752b"


def test_a_file_of_other_weights_is_refused(entry: Entry) -> None:
    averaged, raw = load(entry, "ema"), load(entry, "raw")
    file = averaged.encode(noisy(20, 30))
    assert opened(file).model == averaged.model_id
    with pytest.raises(WrongModelError, match=f"model {averaged.model_id.hex()}, and this is .* {raw.model_id.hex()}"):
        raw.decode(file)


def test_a_truncated_or_altered_file_is_refused(entry: Entry) -> None:
    codec = load(entry, "ema")
    file = codec.encode(noisy(20, 30))
    for broken in (b"", file[:10], file[:-1], file[:30] + bytes([file[30] ^ 1]) + file[31:]):
        with pytest.raises(ValueError, match=r"truncated|altered|not a file"):
            codec.decode(broken)


def test_weights_in_another_memory_layout_are_the_same_model(tmp_path: Path) -> None:
    plain = load(commit(Store(tmp_path / "a", "grid"), tiny_cell()), "ema")
    last = load(commit(Store(tmp_path / "b", "grid"), tiny_cell(channels_last=True)), "ema")
    assert last.model_id == plain.model_id
    assert last.networks.encoder[0].conv.weight.is_contiguous(memory_format=torch.channels_last)


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
