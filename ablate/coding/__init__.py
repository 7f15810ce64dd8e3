"""Entropy coding: quantised latents to the bytes of a file, and back."""

from ablate.coding.bitstream import MODEL_BYTES, Header, decode, encode, read_header

__all__ = ["MODEL_BYTES", "Header", "decode", "encode", "read_header"]
