"""Encoder, quantizer, generator, noise branch and multi-scale discriminator of Agustsson et al."""

from ablate.model.codec import Codec as Codec
from ablate.model.codec import Reconstruction as Reconstruction
from ablate.model.discriminator import Discriminator as Discriminator
from ablate.model.discriminator import DiscriminatorOutput as DiscriminatorOutput
from ablate.model.initial import build_codec as build_codec
from ablate.model.initial import build_discriminator as build_discriminator
from ablate.model.initial import count_parameters as count_parameters
from ablate.model.initial import judge_of as judge_of
