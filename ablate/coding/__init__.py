"""Entropy coding: quantised latents to the bytes of a file, and back."""

from ablate.coding.bitstream import Decoded, decode, encode

__all__ = ["Decoded", "decode", "encode"]
