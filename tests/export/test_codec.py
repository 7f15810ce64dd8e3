"""Networks as ONNX: what onnxruntime makes of them is what torch does, for images of any size."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from ablate.codecs.build import build_codec
from ablate.codecs.settings import Model
from ablate.codecs.trained import TrainedCodec
from ablate.config import ModelQuirks
from ablate.export.codec import export_codec
from ablate.grid.presets import nested, preset_values
from ablate.rng import stream

onnxruntime = pytest.importorskip("onnxruntime", reason="the extra `onnx` is not installed")

SIZES = [(1, 1), (3, 50), (16, 16), (17, 96), (33, 31)]


def settings(name: str) -> Model:
    """Returns a preset's codec, the paper's at width 4, and forms that no preset has."""
    form: dict[str, Any] = nested(preset_values("paper" if name != "tiny" else "tiny"))["model"]
    small = {"width": 4, "residual_blocks": 2}
    more: dict[str, dict[str, Any]] = {
        "tiny": {},
        "paper": small,
        "noise": small | {"noise": True, "noise_channels": 8},
        "channel norm": small | {"norm": "channel", "latent_norm": "none", "downsamplings": 3},
        "quirks": small
        | {"noise": True, "noise_channels": 8}
        | {"quirks": ModelQuirks(noise_batch_norm=True, relu_before_quantizer=True)},
        "learned": small | {"quantizer": {"centers": "learned", "levels": 4}},
    }
    return Model.model_validate(form | more[name])


def trained(name: str) -> TrainedCodec:
    """Returns networks with weights far from their first ones, so that all that is in a graph counts."""
    model = settings(name)
    networks = build_codec(model, 0)
    random = stream(0, "test.weights")
    with torch.no_grad():
        for key, weight in networks.state_dict().items():
            if weight.is_floating_point() and (model.quantizer.centers == "learned" or "centers" not in key):
                weight.add_(0.1 * torch.rand(weight.shape, generator=random) - 0.04)
    return TrainedCodec.of(networks, model, seed=0)


def sessions(directory: Path) -> tuple[Any, Any]:
    found = [onnxruntime.InferenceSession(directory / f"{name}.onnx") for name in ("encoder", "generator")]
    return found[0], found[1]


@pytest.mark.parametrize("name", ["tiny", "paper", "noise", "channel norm", "quirks", "learned"])
def test_symbols_and_images_are_those_of_torch_at_any_size(name: str, tmp_path: Path) -> None:
    codec = trained(name)
    networks = codec.networks
    assert [path.name for path in export_codec(codec, "c0ffee", tmp_path)] == [
        "encoder.onnx",
        "generator.onnx",
        "codec.json",
    ]
    encoder, generator = sessions(tmp_path)
    told = json.loads((tmp_path / "codec.json").read_text())
    for size in SIZES:
        image = torch.rand(2, 3, *size, generator=stream(0, "test.image")) * 2 - 1
        with torch.inference_mode():
            expected = networks.compress(image)  # type: ignore[operator]
            latent = networks.encoder(_padded(image, told["stride"]))  # type: ignore[operator]
        (symbols,) = encoder.run(None, {"image": image.numpy()})
        assert symbols.dtype == np.uint8
        assert symbols.shape == tuple(expected.shape)
        # A latent midway between two centers may fall to either.
        centers = torch.tensor(told["centers"])
        two = (latent.unsqueeze(-1) - centers).abs().sort(-1).values
        clear = (two[..., 1] - two[..., 0] > 1e-3).numpy()
        assert clear.mean() > 0.9
        assert np.array_equal(symbols[clear], expected.numpy()[clear])
        given = {"symbols": expected.numpy()}
        with torch.inference_mode():
            values = networks.quantizer.dequantize(expected)  # type: ignore[union-attr, operator]
            if networks.noisy:
                noise = networks.noise.sample(  # type: ignore[union-attr, operator]
                    (2, *expected.shape[-2:]), stream(0, "test.noise"), torch.device("cpu")
                )
                given["noise"] = noise.numpy()
            whole = networks.generate(values, stream(0, "test.noise"))  # type: ignore[operator]
            exact = _in_float64(networks, values, given.get("noise"))
        (made,) = generator.run(None, given)
        assert made.shape == tuple(whole.shape)
        # Instance norm over a few pixels that hardly differ blows rounding up, in torch as well.
        rounding = float((whole - exact).abs().max())
        assert np.abs(made - exact.numpy()).max() < 1e-5 + 8 * rounding
        assert rounding < 0.02


def _in_float64(networks: torch.nn.Module, values: torch.Tensor, noise: np.ndarray | None) -> torch.Tensor:
    """Returns what the generator makes of values, and noise, without the rounding of float32."""
    wide = copy.deepcopy(networks).double()
    values = values.double()
    if noise is not None:
        grown = wide.noise(torch.from_numpy(noise).double(), values.shape[-2:])  # type: ignore[operator]
        values = torch.cat([values, grown], 1)
    return wide.generator(values)  # type: ignore[operator]


def _padded(image: torch.Tensor, multiple: int) -> torch.Tensor:
    from ablate.layers.padding import pad_to_multiple

    return pad_to_multiple(image, multiple)


def test_the_json_says_how_symbols_and_tensors_relate(tmp_path: Path) -> None:
    codec = trained("noise")
    export_codec(codec, "c0ffee", tmp_path)
    told = json.loads((tmp_path / "codec.json").read_text())
    assert (told["schema"], told["cell"], told["model"]) == (1, "c0ffee", codec.model_id.hex())
    assert (told["stride"], told["channels"], told["levels"]) == (16, 8, 5)
    assert told["centers"] == [-2, -1, 0, 1, 2]
    assert told["encoder"]["output"]["shape"] == ["N", 8, "ceil(H / 16)", "ceil(W / 16)"]
    assert told["generator"]["noise"]["shape"] == ["N", 8, "ceil(h / 8)", "ceil(w / 8)"]
    # Names and shapes are those of the graphs.
    for part, session in zip(("encoder", "generator"), sessions(tmp_path), strict=True):
        (output,) = session.get_outputs()
        assert output.name == told[part]["output"]["name"]
        names = [told[part]["input"]["name"], *([told[part]["noise"]["name"]] if "noise" in told[part] else [])]
        assert [each.name for each in session.get_inputs()] == names


def test_a_codec_without_levels_is_refused(tmp_path: Path) -> None:
    model = settings("paper").model_copy(update={"prior": "factorized", "latent_norm": "none"})
    codec = TrainedCodec.of(build_codec(model, 0), model, seed=0)
    with pytest.raises(ValueError, match="RatedCodec cannot be written as ONNX"):
        export_codec(codec, "c0ffee", tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("side", [{"map_classes": 8}, {"selective": "random_box"}], ids=["map", "mask"])
def test_a_codec_with_side_information_is_refused(side: dict[str, Any], tmp_path: Path) -> None:
    model = settings("tiny").model_copy(update=side)
    with pytest.raises(ValueError, match="hold side information"):
        export_codec(TrainedCodec.of(build_codec(model, 0), model, seed=0), "cell", tmp_path)
    assert list(tmp_path.iterdir()) == []
