"""The codec HiFiC (Mentzer et al. 2020, "High-Fidelity Generative Image Compression")."""

from __future__ import annotations

from ablate.codecs.agustsson.rated import RatedCodec
from ablate.codecs.hific.networks import HificEncoder, HificGenerator


class HificCodec(RatedCodec):
    """Files as those of `RatedCodec`; none of the source's networks is in it."""

    ENCODER, GENERATOR = HificEncoder, HificGenerator
    APART = True
