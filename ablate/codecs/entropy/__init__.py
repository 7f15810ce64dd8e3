"""Entropy models: how many bits integers take, while a codec is trained and as range-coded files."""
