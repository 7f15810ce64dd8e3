"""A trained cell as a codec in Python."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import numpy as np
    from PIL.Image import Image
    from torch import Tensor

    from ablate.codecs.trained import TrainedCodec
    from ablate.sources.protocol import ColourProfiles


def load(
    cell: str | Path,
    *,
    weights: Literal["ema", "raw"] = "ema",
    device: str = "cpu",
    grid: str | None = None,
    runs_dir: str | Path = "runs",
) -> LoadedCodec:
    """Reads the weights of a finished cell and checks every byte of them.

    Args:
        cell: a label, the beginning of an id, GRID:CELL, or a cell's directory.
        weights: averaged, or those of the last step.
        device: where the networks run.
        grid: the grid to look for the cell in; all if not given.
        runs_dir: where results are kept.

    Raises:
        ValueError: where there is no such cell, or it has no weights.
    """
    from ablate.cli.locate import colour_profiles_of, find_entry
    from ablate.config import Cell
    from ablate.config.data import SEGMENTATION
    from ablate.store.weights import load as load_weights

    entry = find_entry(str(cell), Path(runs_dir), grid)
    trained = load_weights(entry, weights, device)
    settings = entry.cell_settings()
    assert settings is not None, f"{entry.path} was found by its settings"
    stride = Cell.model_validate(settings.cell).model.stride
    maps = settings.cell["data"].get("maps")
    return LoadedCodec(entry.path.name, trained, stride, colour_profiles_of(entry), segmented=maps == SEGMENTATION)


@dataclass(frozen=True, eq=False, repr=False)
class LoadedCodec:
    """A trained codec, in evaluation mode and float32: images to files and back, and batches of tensors."""

    cell: str
    """Id of the cell."""
    trained: TrainedCodec
    stride: int
    """What the sides of a batch of crops are multiples of."""
    colour_profiles: ColourProfiles
    """What happens to image files with another colour profile than sRGB."""
    segmented: bool = False
    """Whether its label maps are made of the images."""

    def compress(
        self,
        image: Image | np.ndarray | Tensor | str | Path,
        labels: np.ndarray | None = None,
        mask: np.ndarray | None = None,
    ) -> bytes:
        """Returns the file of an image of any size: what `ablate compress` writes.

        Args:
            image: a path, an image of Pillow, or uint8 values: an array (H, W, 3) or a tensor (3, H, W).
            labels: its label map, uint8 (H, W), for a codec that is given one; made of the image where the cell's were.

            mask: bool (H, W), what a selective codec keeps; everything if not given.

        Raises:
            ValueError: for anything else, or a file that is no image, or a map that is missing or of another size.
        """
        import torch

        from ablate.codecs.side import side_beside

        tensor = _as_tensor(image, self.colour_profiles)
        if labels is None and self.segmented:
            from ablate.sources.segmentation import segment

            labels = segment(tensor.numpy())[0]
        region = None if mask is None else torch.from_numpy(mask.astype(bool))
        return self.trained.encode(tensor, side_beside(labels), region)

    def decompress(self, file: bytes) -> Tensor:
        """Returns the image, uint8 (3, H, W) on the CPU, of a file that `compress` made.

        Raises:
            ValueError: for a file that is damaged or of other weights.
        """
        return self.trained.decode(file)

    def __call__(self, images: Tensor, labels: Tensor | None = None) -> Tensor:
        """Returns the reconstructions of images, float (N, 3, H, W) in [-1, 1] on the device of the networks.

        A codec that is given label maps takes them as uint8 (N, H, W).

        Sides may have any length: images are padded by reflection to the next multiple of the stride and cropped
        again. No gradients are kept and no files are written. A codec with noise draws it anew for each image of the
        batch; one image alone gets that of every decoded file.

        Raises:
            ValueError: for another shape or type.
        """
        import torch

        from ablate.codecs.codec import Side
        from ablate.layers.padding import pad_to_multiple
        from ablate.networks.exact import exact
        from ablate.rng import stream

        if images.ndim != 4 or images.shape[1] != 3 or not images.is_floating_point():
            raise ValueError(f"expected floats (N, 3, H, W) in [-1, 1], found {images.dtype} {tuple(images.shape)}")
        height, width = images.shape[2:]
        with torch.inference_mode(), exact(torch.device(self.trained.device)):
            whole = pad_to_multiple(images.to(self.trained.device, torch.float32), self.stride)
            given = [whole, stream(self.trained.seed, "evaluation.noise")]
            if self.trained.networks.takes_labels and labels is not None:
                given.append(Side(pad_to_multiple(labels.to(self.trained.device)[:, None], self.stride)[:, 0]))
            return self.trained.networks(*given).image[..., :height, :width]

    def export(self, kind: Literal["onnx"] = "onnx", out: str | Path | None = None) -> list[Path]:
        """Writes the networks for programs without torch: encoder.onnx, generator.onnx and codec.json; returns them.

        The encoder takes images of any size and gives symbols, the generator makes images of symbols. The JSON says how
        symbols, tensors and pixels relate. No file of bytes is written: those are read and written by `ablate` alone.

        Args:
            kind: "onnx".
            out: a directory; exports/<cell> if not given.

        Raises:
            ValueError: for another kind, a codec that sends no symbols of a few levels, or without the package onnx.
        """
        from ablate.export.codec import export_codec

        if kind != "onnx":
            raise ValueError(f'a codec is exported as "onnx", not as {kind!r}')
        return export_codec(self.trained, self.cell, Path(out) if out is not None else Path("exports", self.cell))

    def __repr__(self) -> str:
        return f"<codec of cell {self.cell}, model {self.trained.model_id.hex()}, on {self.trained.device}>"


def _as_tensor(image: Image | np.ndarray | Tensor | str | Path, profiles: ColourProfiles) -> Tensor:
    """Returns an image as uint8 (3, H, W)."""
    import numpy as np
    import torch

    if isinstance(image, str | Path):
        from ablate.sources.decode import decode
        from ablate.sources.files import read_file

        return torch.from_numpy(decode(read_file(Path(image)), profiles).pixels)
    if isinstance(image, torch.Tensor):
        found = image
    else:
        array = image if isinstance(image, np.ndarray) else np.asarray(image.convert("RGB"))
        found = torch.from_numpy(np.ascontiguousarray(array.transpose(2, 0, 1))) if array.ndim == 3 else torch.empty(0)
    if found.dtype != torch.uint8 or found.ndim != 3 or found.shape[0] != 3:
        raise ValueError(
            "expected a path, an image of Pillow, an array uint8 (H, W, 3) or a tensor uint8 (3, H, W), "
            f"found {type(image).__name__} {getattr(image, 'dtype', '')} {tuple(getattr(image, 'shape', ()))}"
        )
    return found.cpu()
