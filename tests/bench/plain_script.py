"""A grid's cells as a plain script: sequential, eager, DataLoader and torchmetrics, each seed's warm-up shared by hand.

    python -m tests.bench.plain_script GRID OUT.json [CELLS]

It has the grid's networks and images, which are given, and writes its own everything else, as one would who wants these
figures once: no store, no resuming, no report. Both cores are torch's.
"""

from __future__ import annotations

import copy
import io
import json
import sys
from collections.abc import Iterator
from pathlib import Path

import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset
from torchmetrics.image import (
    MultiScaleStructuralSimilarityIndexMeasure,
    PeakSignalNoiseRatio,
    StructuralSimilarityIndexMeasure,
)
from torchmetrics.image.fid import FrechetInceptionDistance
from torchmetrics.image.kid import KernelInceptionDistance

from ablate.codecs.build import build_codec
from ablate.config import Cell
from ablate.data import Images, prepare, resolve
from ablate.discriminators.build import build_discriminator
from ablate.grid import read_grid
from ablate.networks.lite0 import fused

PATCH = 64


class Crops(Dataset):
    def __init__(self, images: Images, crop: int, count: int) -> None:
        self.images = [torch.from_numpy(image.copy()) for image in images]
        self.crop, self.count = crop, count

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, _index: int) -> Tensor:
        image = self.images[int(torch.randint(len(self.images), ()))]
        top, left = (int(torch.randint(side - self.crop + 1, ())) for side in image.shape[1:])
        crop = image[:, top : top + self.crop, left : left + self.crop]
        return crop.flip(-1) if torch.rand(()) < 0.5 else crop


def batches(cell: Cell, images: Images, steps: int) -> Iterator[Tensor]:
    crops = Crops(images, cell.data.crop, steps * cell.data.batch_size)
    for batch in DataLoader(crops, cell.data.batch_size):
        yield batch.float() / 127.5 - 1


def adam(module: nn.Module, settings) -> torch.optim.Adam:
    betas = settings.beta1, settings.beta2
    return torch.optim.Adam(module.parameters(), settings.learning_rate, betas, settings.epsilon)


def discriminator_loss(name: str, real: list[Tensor], fake: list[Tensor]) -> Tensor:
    losses = []
    for r, f in zip(real, fake, strict=True):
        if name == "vanilla":
            losses.append(F.softplus(-r).mean() + F.softplus(f).mean())
        elif name == "lsgan":
            losses.append((r - 1).square().mean() + f.square().mean())
        else:
            losses.append(F.relu(1 - r).mean() + F.relu(1 + f).mean())
    return torch.stack(losses).mean()


def generator_loss(name: str, fake: list[Tensor]) -> Tensor:
    of = {"vanilla": lambda f: F.softplus(-f), "lsgan": lambda f: (f - 1).square(), "hinge": lambda f: -f}[name]
    return torch.stack([of(f).mean() for f in fake]).mean()


def matching(real, fake) -> Tensor:
    weight = 4 / len(real[0]) / len(real)
    pairs = zip(real, fake, strict=True)
    return weight * sum(F.l1_loss(f, r) for scale in pairs for r, f in zip(*scale, strict=True))


def warmed_up(cell: Cell, images: Images) -> dict[str, Tensor]:
    codec = build_codec(cell.model, cell.seed)
    optimizer = adam(codec, cell.optimizers.warmup)
    for image in batches(cell, images, cell.train.warmup_steps):
        loss = F.mse_loss(codec(image, None).image, image)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return codec.state_dict()


def trained(cell: Cell, images: Images, start: dict[str, Tensor]) -> dict[str, nn.Module]:
    codec = build_codec(cell.model, cell.seed)
    codec.load_state_dict(start)
    average = copy.deepcopy(codec).requires_grad_(False)
    discriminator = build_discriminator(cell.discriminator, cell.seed)
    codec_optimizer = adam(codec, cell.optimizers.generator)
    discriminator_optimizer = adam(discriminator, cell.optimizers.discriminator)
    name, weights = cell.loss.adversarial.name, cell.loss
    for step, image in enumerate(batches(cell, images, cell.train.steps)):
        fake = codec(image, None).image

        # The discriminators.
        loss = discriminator_loss(name, discriminator(image).logits, discriminator(fake.detach()).logits)
        discriminator_optimizer.zero_grad()
        loss.backward()
        discriminator_optimizer.step()

        # The codec.
        discriminator.requires_grad_(False)
        seen = discriminator(fake)
        with torch.no_grad():
            real = discriminator(image)
        total = weights.lambda_x * F.mse_loss(fake, image) + generator_loss(name, seen.logits)
        total = total + weights.feature_matching_weight * matching(real.features, seen.features)
        codec_optimizer.zero_grad()
        total.backward()
        codec_optimizer.step()
        discriminator.requires_grad_(True)

        # The average of the weights.
        decay = min(cell.train.ema_decay, (2 + step) / (11 + step))
        with torch.no_grad():
            for mean, raw in zip(average.state_dict().values(), codec.state_dict().values(), strict=True):
                if mean.is_floating_point():
                    mean.lerp_(raw, 1 - decay)
    return {"raw": codec, "ema": average}


class Features(nn.Module):
    num_features = 112

    def __init__(self) -> None:
        super().__init__()
        self.network = fused("cpu")

    def forward(self, images: Tensor) -> Tensor:
        return self.network.features(images, tap=112)


def patches(image: Tensor) -> Tensor:
    cut = [
        part.unfold(1, PATCH, PATCH).unfold(2, PATCH, PATCH).permute(1, 2, 0, 3, 4).flatten(0, 1)
        for part in (image, image[:, PATCH // 2 :, PATCH // 2 :])
    ]
    return torch.cat(cut)


@torch.no_grad()
def measured(codec: nn.Module, images: Images, features: nn.Module, directory: Path) -> dict[str, float]:
    codec.eval()
    psnr, ssim = PeakSignalNoiseRatio(255.0), StructuralSimilarityIndexMeasure(data_range=255.0)
    ms_ssim = MultiScaleStructuralSimilarityIndexMeasure(data_range=255.0)
    fid, kid = FrechetInceptionDistance(features), KernelInceptionDistance(features, subset_size=50)
    found: dict[str, list[float]] = {"psnr": [], "ssim": [], "ms_ssim": [], "bpp_actual": []}
    for name, array in zip(images.names, images, strict=True):
        image = torch.from_numpy(array.copy())
        file = codec.encode(image)
        decoded = codec.decode(file, torch.Generator())
        found["bpp_actual"].append(8 * len(file) / image[0].numel())
        for key, metric in (("psnr", psnr), ("ssim", ssim), ("ms_ssim", ms_ssim)):
            found[key].append(float(metric(decoded[None].float(), image[None].float())))
        for distance in (fid, kid):
            distance.update(patches(image), real=True)
            distance.update(patches(decoded), real=False)
        written = io.BytesIO()
        Image.fromarray(decoded.permute(1, 2, 0).numpy()).save(written, "png")
        (directory / f"{name}.png").write_bytes(written.getvalue())
    means = {key: sum(values) / len(values) for key, values in found.items()}
    return means | {"fd": float(fid.compute()), "kid": float(kid.compute()[0])}


def main() -> None:
    grid, out = Path(sys.argv[1]), Path(sys.argv[2])
    features = Features()
    starts: dict[int, dict[str, Tensor]] = {}
    figures = {}
    limit = int(sys.argv[3]) if len(sys.argv) > 3 else 0
    for point in list(read_grid(grid).points())[: limit or None]:
        cell = point.cell
        cell = cell.model_copy(update={"data": resolve(cell.data, grid.parent)})
        train, test = (prepare(cell.data, split, out.parent / "images") for split in ("train", "test"))
        if cell.seed not in starts:
            torch.manual_seed(cell.seed)
            starts[cell.seed] = warmed_up(cell, train)
        codecs = trained(cell, train, starts[cell.seed])
        directory = out.parent / f"cell{len(figures)}"
        directory.mkdir()
        loss, scales = cell.loss, cell.discriminator.scales
        label = f"{loss.adversarial.name}, {scales} scales, lambda_x {loss.lambda_x:g}, seed {cell.seed}"
        figures[label] = {name: measured(codec, test, features, directory) for name, codec in codecs.items()}
        print(label, {key: round(value, 3) for key, value in figures[label]["raw"].items()}, flush=True)
    out.write_text(json.dumps(figures, indent=1))


if __name__ == "__main__":
    main()
