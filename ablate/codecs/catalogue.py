"""The codecs that can be trained, by name. Looking one up imports no torch; building one does."""

from __future__ import annotations

from ablate.plugins.checked import complete
from ablate.registry import Registry

codecs = Registry(
    "codec",
    "ablate.codecs.kinds",
    facts={"stride": 1, "code": None, "settings": (), "rate": False, "check": None},
    check=complete("a TrainableCodec", "forward", "encode", "decode", "initialise"),
)
"""Functions of the settings `model` that return a TrainableCodec; their keyword-only arguments are its options.

Facts: what the sides of crops must be multiples of; the shape of what it sends at each position, where it has one, as a
function of the settings; which of the settings it looks at beside its options, the others having their defaults;
whether it estimates its rate while training; and a function of the settings, the crop and the batch size that raises
ValueError where these do not fit.
"""
