"""Writes a trained codec for programs that have no torch: its networks as ONNX, and a JSON that says what they mean."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ablate.atomic import write_bytes
from ablate.codecs.agustsson.codec import AgustssonCodec
from ablate.codecs.agustsson.quantizer import REACH
from ablate.codecs.trained import TrainedCodec

if TYPE_CHECKING:
    import onnx

SCHEMA = 1
"""Raised when a program that reads codec.json would have to change."""


def export_codec(trained: TrainedCodec, cell: str, out: Path) -> list[Path]:
    """Writes encoder.onnx, generator.onnx and codec.json under `out`, and returns them; each appears whole.

    The encoder takes images of any size and gives symbols, the generator takes symbols and gives images.

    Args:
        trained: the codec.
        cell: id of its cell, for the record.
        out: a directory, made where there is none.

    Raises:
        ValueError: for a codec without symbols of a few levels or with side information, or without the package onnx.
    """
    networks = trained.networks
    if not isinstance(networks, AgustssonCodec):
        raise ValueError(
            f"{type(networks).__name__} cannot be written as ONNX; a codec that sends symbols of a few levels can "
            '(model.codec = "agustsson" with model.prior = "none")'
        )
    if networks.takes_side:
        raise ValueError(
            "a codec whose files hold side information (model.map_classes, model.selective) cannot be written as ONNX"
        )
    try:
        import onnx  # noqa: F401
    except ImportError as error:
        raise ValueError("ONNX is written by the package onnx: pip install '.[onnx]' in the clone of ablate") from error
    models = {"encoder.onnx": _encoder(networks), "generator.onnx": _generator(networks)}
    files = {name: model.SerializeToString() for name, model in models.items()}
    files["codec.json"] = (json.dumps(_told(trained, networks, cell), indent=1) + "\n").encode()
    for name, content in files.items():
        write_bytes(out / name, content)
    return [out / name for name in files]


def _encoder(networks: AgustssonCodec) -> onnx.ModelProto:
    """Returns the graph from images to symbols: padding, encoder, and the nearest of the centers."""
    from onnx import TensorProto, helper

    from ablate.export.onnx_graph import Graph, layer

    graph = Graph()
    latent = layer(networks.encoder, graph, graph.pad_to_multiple("image", networks.stride))
    centers = networks.quantizer.centers.detach().cpu()
    lowest, highest = (graph.constant(each) for each in (centers.min() - REACH, centers.max() + REACH))
    within = graph.add("Unsqueeze", graph.add("Clip", latent, lowest, highest), graph.constant([-1]))
    distance = graph.add("Abs", graph.add("Sub", within, graph.constant(centers)))
    symbols = graph.add("Cast", graph.add("ArgMin", distance, axis=-1, keepdims=0), to=TensorProto.UINT8)
    image = helper.make_tensor_value_info("image", TensorProto.FLOAT, ["N", 3, "H", "W"])
    shape: list[str | int] = ["N", networks.settings.channels, "h", "w"]
    return graph.model([image], symbols, helper.make_tensor_value_info("symbols", TensorProto.UINT8, shape))


def _generator(networks: AgustssonCodec) -> onnx.ModelProto:
    """Returns the graph from symbols, and noise where there is a branch for it, to images."""
    from onnx import TensorProto, helper

    from ablate.export.onnx_graph import Graph, layer

    graph, settings = Graph(), networks.settings
    centers = graph.constant(networks.quantizer.centers)
    values = graph.add("Gather", centers, graph.add("Cast", "symbols", to=TensorProto.INT64))
    inputs = [helper.make_tensor_value_info("symbols", TensorProto.UINT8, ["N", settings.channels, "h", "w"])]
    if networks.noise is not None:
        # Noise grows in blocks, of which those at the edge are cut.
        grown = layer(networks.noise.grow, graph, layer(networks.noise.seed, graph, "noise"))
        sides = graph.add("Shape", "symbols", start=2)
        cut = graph.add("Slice", grown, graph.constant([0, 0]), sides, graph.constant([2, 3]))
        values = graph.add("Concat", values, cut, axis=1)
        shape: list[str | int] = ["N", networks.noise.noise_channels, "blocks_h", "blocks_w"]
        inputs.append(helper.make_tensor_value_info("noise", TensorProto.FLOAT, shape))
    image = layer(networks.generator, graph, values)
    output = helper.make_tensor_value_info("image", TensorProto.FLOAT, ["N", 3, "H", "W"])
    return graph.model(inputs, image, output)


def _told(trained: TrainedCodec, networks: AgustssonCodec, cell: str) -> dict[str, Any]:
    """Returns what a program has to know to use both graphs."""
    stride, noise, channels = networks.stride, networks.noise, networks.settings.channels
    told: dict[str, Any] = {
        "schema": SCHEMA,
        "cell": cell,
        "model": trained.model_id.hex(),
        "stride": stride,
        "channels": channels,
        "levels": networks.settings.quantizer.levels,
        "centers": networks.quantizer.centers.detach().cpu().tolist(),
        "image": {
            "layout": "N, 3 (red, green, blue), height, width; float32 in [-1, 1]",
            "from_uint8": "x / 127.5 - 1",
            "to_uint8": "(min(max(x, -1), 1) + 1) * 127.5, rounded half to even",
        },
        "encoder": {
            "file": "encoder.onnx",
            "input": {"name": "image", "shape": ["N", 3, "H", "W"]},
            "output": {
                "name": "symbols", "type": "uint8",
                "shape": ["N", channels, f"ceil(H / {stride})", f"ceil(W / {stride})"],
                "meaning": "each is the index into centers of the level that a value of the latent is nearest to",
            },
        },
        "generator": {
            "file": "generator.onnx",
            "input": {"name": "symbols", "type": "uint8", "shape": ["N", channels, "h", "w"]},
            "output": {"name": "image", "shape": ["N", 3, f"{stride} * h", f"{stride} * w"]},
            "crop": "the first H rows and W columns are the image",
        },
    }  # fmt: skip
    if noise is not None:
        told["generator"]["noise"] = {
            "name": "noise", "distribution": "standard normal, drawn by whoever decodes",
            "shape": ["N", noise.noise_channels, f"ceil(h / {noise.BLOCK})", f"ceil(w / {noise.BLOCK})"],
        }  # fmt: skip
    return told
