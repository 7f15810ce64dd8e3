"""Looks a cell over on one batch, before hours are spent on it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

import torch
from torch import Tensor

from ablate import metrics
from ablate.codecs.codec import Reconstruction
from ablate.config import Cell, Taught
from ablate.data import Images
from ablate.networks.exact import full_float32
from ablate.objective import Objective
from ablate.rng import stream
from ablate.train.batches import Batches
from ablate.train.discriminator_step import discriminator_step
from ablate.train.finding import Finding
from ablate.train.gradients import encoder_norm, weighted_norms
from ablate.train.shown import Shown, in_kept, through, with_maps
from ablate.train.state import TrainState
from ablate.train.step import descend, frozen, generator_terms


@full_float32()
def preflight(cell: Cell, images: Images, held_out: Images, device: str) -> list[Finding]:
    """Trains one step of both players on one batch of `images` and looks at what reaches what; writes nothing."""
    return list(_findings(cell, images, held_out, device))


def _findings(cell: Cell, images: Images, held_out: Images, device: str) -> Iterator[Finding]:
    state, objective = TrainState.for_cell(cell, device), Objective.build(cell.loss)
    batches = Batches.of(cell, images, device)
    shown = through(state.codec, batches(0), stream(cell.seed, "noise", 0), batches.side(0))
    yield _ranges(shown.image, shown.reconstruction)
    yield from _levels(cell, shown.reconstruction)
    yield from _noise(state, shown)
    if objective.needs_discriminator:
        discriminator_step(state, objective, cell, 0, *shown)
        yield from _scales(state, objective, shown)
    yield from _generator_step(cell, state, objective, shown)
    yield _average(cell)
    yield from _extractors(cell, device)
    yield _test_images(held_out)


def _verdict(
    check: str, good: bool, found: str, advice: str, bad: Literal["warning", "problem"] = "problem"
) -> Finding:
    return Finding(check, "ok", found) if good else Finding(check, bad, found, advice)


def _ranges(image: Tensor, reconstruction: Reconstruction) -> Finding:
    low, high = (float(x) for x in image.aminmax())
    reached = float(reconstruction.image.detach().abs().max())
    return _verdict(
        "ranges",
        -1 <= low < -0.5 < 0.5 < high <= 1 and reached <= 1,
        f"images from {low:.2f} to {high:.2f}, reconstructions within {reached:.2f}",
        "images belong in [-1, 1], where lambda_x is defined; images that use a part of it look flat, or are",
        "warning",
    )


def _levels(cell: Cell, reconstruction: Reconstruction) -> Iterator[Finding]:
    if cell.model.code is None or reconstruction.symbols is None:
        return
    used, levels = int(reconstruction.symbols.unique().numel()), cell.model.code.levels
    assert levels is not None, "symbols are of a few levels"
    yield _verdict(
        "quantizer",
        used == levels,
        f"{used} of {levels} centers are used by the first batch",
        "a center that no latent comes near carries no bits; model.quirks.relu_before_quantizer puts those below zero "
        "out of reach for good, a latent norm brings the others near",
        "warning",
    )


def _noise(state: TrainState, shown: Shown) -> Iterator[Finding]:
    if not state.codec.noisy:
        return
    first = shown.side.first()
    with torch.no_grad():
        one, other = (
            through(state.codec, shown.image[:1], stream(seed, "preflight.noise", 0), first).reconstruction.image
            for seed in (0, 1)
        )
    changed = float((one - other).abs().max())
    yield _verdict(
        "noise",
        changed > 0,
        f"other noise moves a pixel of one image by up to {changed:.2g}",
        "the noise branch is blind to its noise at batch 1: model.quirks.noise_batch_norm does that",
    )


def _scales(state: TrainState, objective: Objective, shown: Shown) -> Iterator[Finding]:
    assert state.discriminator is not None
    both = shown.reconstruction.image, shown.image
    with frozen(list(state.discriminator.parameters())):
        seen = (with_maps(each, shown.side, state.discriminator_map_classes) for each in both)
        fake, real = (state.discriminator(each, shown.reconstruction.sent) for each in seen)
    trained = range(state.trained_scales)
    real_logits, fake_logits = (each.logits[: len(trained)] for each in (real, fake))
    term = objective.adversarial_term(objective.for_generator, real_logits=real_logits, fake_logits=fake_logits)
    gradients = torch.autograd.grad(term, fake.logits, retain_graph=True, materialize_grads=True)
    reaching = [scale for scale, gradient in enumerate(gradients) if gradient.norm() > 0]
    wanted = [0] if objective.settings.generator_scales == "finest" else list(trained)
    yield _verdict(
        "scales",
        reaching == wanted,
        f"the adversarial term reaches the generator through scales {reaching} of {list(range(len(fake.logits)))}",
        f"loss.generator_scales asks for {wanted}; a loss without gradient at these logits (lsgan_chi2 at 0) is silent",
    )


def _generator_step(cell: Cell, state: TrainState, objective: Objective, shown: Shown) -> Iterator[Finding]:
    image, reconstruction, side = shown
    if objective.needs_discriminator:
        assert state.discriminator_optimizer is not None
        state.discriminator_optimizer.zero_grad(set_to_none=True)
        parts = generator_terms(state, objective, image, reconstruction, cell.train.precision, side=side)
    else:
        parts = objective.generator(image=image, reconstruction=in_kept(image, reconstruction.image, side))
    norms = weighted_norms(parts, reconstruction.image)
    descend(state, parts.total)
    encoder = encoder_norm(state.codec)
    yield _verdict(
        "encoder",
        encoder > 0,
        f"the norm of the encoder's gradient is {encoder:.3g}",
        "the encoder would stay as it was drawn: something between it and the loss has no gradient "
        "(model.quirks.round_kills_encoder does that)",
    )
    if state.discriminator is not None:
        stale = [name for name, p in state.discriminator.named_parameters() if p.grad is not None]
        yield _verdict(
            "discriminators",
            not stale,
            f"{len(stale)} of their gradients were touched by the generator's step",
            "they would be added to the discriminators' next step",
        )
    yield _balance(norms, warmed_up=cell.warmup is None)


def _balance(norms: dict[str, float], warmed_up: bool) -> Finding:
    """Compares the weighted terms; before a warm-up that is still to come they say nothing about the training."""
    told = ", ".join(f"{name.replace('_', ' ')} {norm:.2g}" for name, norm in norms.items())
    distortion = norms["distortion"]
    others = [norm for name, norm in norms.items() if name != "distortion"]
    return _verdict(
        "balance",
        not (warmed_up and others) or distortion > 0.01 * max(others),
        f"weighted gradients at the reconstruction{'' if warmed_up else ', before the warm-up'}: {told}",
        "the distortion is a hundredth of another term or less, so that lambda_x hardly matters; raise it, or lower "
        "the other weight",
        "warning",
    )


def _average(cell: Cell) -> Finding:
    return _verdict(
        "average",
        cell.train.ema_decay > 0,
        f"averaged weights (decay {cell.train.ema_decay:g}) are measured beside the raw ones",
        "with train.ema_decay = 0 the average is the raw weights, and both columns of every table are the same",
        "warning",
    )


def _extractors(cell: Cell, device: str) -> Iterator[Finding]:
    taught = Taught.by(cell)
    for view in cell.evaluation.views:
        try:
            extractor = metrics.extractor(view.name, tap=view.tap, device=device)
        except ValueError as error:
            yield Finding("extractor", "problem", str(error), "no distance can be measured without its weights")
            continue
        yield _verdict(
            "extractor",
            not any(taught.through(metrics.metrics[name], [extractor.weights_sha256]) for name in view.distances),
            f"{extractor.name}, tap {extractor.tap}, weights {extractor.weights_sha256[:12]}",
            "the codec is trained against the network that judges it, so that its distance flatters it and gives no "
            "verdict; name another extractor, another perceptual loss or other discriminators",
            "warning",
        )


def _test_images(held_out: Images) -> Finding:
    small = [name for name, shape in zip(held_out.names, held_out.shapes, strict=True) if min(shape) < 161]
    return _verdict(
        "test images",
        not small,
        f"{len(held_out)}, of them {len(small)} below 161 pixels",
        f"MS-SSIM is undefined for {', '.join(small[:3])}{' and others' if len(small) > 3 else ''}",
        "warning",
    )
