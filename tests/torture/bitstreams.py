"""Files of a codec damaged in every way: each is refused with a sentence, or is the image that it was."""

from __future__ import annotations

import random
import traceback
from collections.abc import Callable, Generator, Mapping

import torch

from ablate.codecs.build import build_codec
from ablate.codecs.container import opened, seal
from ablate.codecs.trained import TrainedCodec
from ablate.config import Model
from tests.torture.tally import Tally

Change = Callable[[bytes, random.Random], bytes]
SETTINGS: Mapping[str, dict[str, object]] = {
    "codec without noise": {"width": 8, "channels": 4, "residual_blocks": 1},
    "codec with noise": {"width": 8, "channels": 2, "residual_blocks": 1, "noise": True},
    **{
        f"codec with a {prior} prior": {
            "width": 8, "channels": 4, "downsamplings": 2, "residual_blocks": 1, "latent_norm": "none", "prior": prior,
            "prior_width": 4,
        }
        for prior in ("factorized", "hyperprior", "context")
    },
    "HiFiC": {
        "codec": "hific", "width": 8, "channels": 4, "downsamplings": 2, "residual_blocks": 1, "norm": "channel",
        "prior": "hyperprior", "prior_width": 4,
    },
}  # fmt: skip
SIZES = ((1, 1), (24, 40), (33, 50))


def _some_bytes(content: bytes, chance: random.Random) -> bytes:
    changed = bytearray(content)
    for _ in range(chance.choice((1, 2, 8))):
        changed[chance.randrange(len(changed))] = chance.randrange(256)
    return bytes(changed)


def _stretch(put: Callable[[bytes, random.Random], bytes]) -> Change:
    """Replaces a stretch of a content by what is made of it."""

    def change(content: bytes, chance: random.Random) -> bytes:
        begin = chance.randrange(len(content) + 1)
        end = min(len(content), begin + chance.randrange(64))
        return content[:begin] + put(content[begin:end], chance) + content[end:]

    return change


CHANGES: Mapping[str, Change] = {
    "a bit flipped": lambda content, chance: (lambda at: content[:at] + bytes([content[at] ^ 1 << chance.randrange(8)])
                                              + content[at + 1 :])(chance.randrange(len(content))),
    "bytes changed": _some_bytes,
    "cut": lambda content, chance: content[: chance.randrange(len(content))],
    "beginning lost": lambda content, chance: content[1 + chance.randrange(len(content)) :],
    "zeros": _stretch(lambda part, _chance: bytes(len(part))),
    "noise": _stretch(lambda part, chance: chance.randbytes(len(part))),
    "a stretch lost": _stretch(lambda _part, _chance: b""),
    "a stretch twice": _stretch(lambda part, _chance: part + part),
    "bytes behind": lambda content, chance: content + chance.randbytes(1 + chance.randrange(16)),
}  # fmt: skip
"""Ways to damage a file, also an image's."""


def codecs() -> dict[str, tuple[TrainedCodec, dict[bytes, torch.Tensor]]]:
    """Returns codecs by name with files of theirs and the images that these are."""
    made = {}
    for name, settings in SETTINGS.items():
        model = Model.model_validate(settings)
        codec = TrainedCodec.of(build_codec(model, 0), model, 0)
        random_images = torch.Generator().manual_seed(0)
        files = {}
        for height, width in SIZES:
            image = torch.randint(0, 256, (3, height, width), generator=random_images, dtype=torch.uint8)
            file = codec.encode(image)
            files[file] = codec.decode(file)
        made[name] = codec, files
    return made


def rounds(count: int, seed: int) -> Generator[Tally]:
    """Damages `count` files of each codec, and as many with a checksum that is right again; yields what came of each.

    Before that every byte of one file of each codec is given all 255 other values. A right checksum takes intent; what
    lies behind it must hold by itself, but for the size of the image, which is what the file says.
    """
    for name, (codec, files) in codecs().items():
        longest = max(files, key=len)
        yield from _every_byte(name, codec, longest, files[longest])
        for sealed in (False, True):
            for number in range(count):
                chance, tally = random.Random(f"{seed} {number}"), Tally()
                file = chance.choice(sorted(files))
                kind = chance.choice(sorted(CHANGES))
                if sealed:
                    model, content, _ = opened(file)
                    # A forged size lets an entropy model decode as many latents as memory holds, which takes minutes.
                    size = content[:4] if codec.networks.settings.prior != "none" else b""
                    damaged = seal(size + CHANGES[kind](content[len(size) :], chance), model)
                else:
                    damaged = CHANGES[kind](file, chance)
                case = f"{name}{', sealed again' if sealed else ''}, {kind}"
                _read(codec, damaged, files[file], case, f"{seed} {number}", tally)
                yield tally


def _every_byte(name: str, codec: TrainedCodec, file: bytes, expected: torch.Tensor) -> Generator[Tally]:
    for place in range(len(file)):
        tally = Tally()
        for value in range(1, 256):
            damaged = file[:place] + bytes([file[place] ^ value]) + file[place + 1 :]
            _read(codec, damaged, expected, f"{name}, every byte changed", f"byte {place} ^ {value}", tally)
        yield tally


def _read(codec: TrainedCodec, file: bytes, expected: torch.Tensor, case: str, told: str, tally: Tally) -> None:
    try:
        image = codec.decode(file)
    except ValueError as error:
        tally.count(case, "refused") if str(error) else tally.fault(case, f"{told}: refused without a word")
    except Exception:  # noqa: BLE001 - the fault that is looked for
        tally.fault(case, f"{told}: {traceback.format_exc()[-800:]}")
    else:
        if torch.equal(image, expected):
            tally.count(case, "the same image")
        elif "sealed again" in case and image.shape != expected.shape:
            tally.count(case, "an image of another size")
        else:
            tally.fault(case, f"{told}: another image")
