"""Codecs: the one of Agustsson et al., and JPEG and WebP beside it."""
