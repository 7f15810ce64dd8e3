"""Encoder, quantizer, generator and noise branch of Agustsson et al., and the files that they make."""
