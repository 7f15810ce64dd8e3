"""Distortions over the features of a frozen network."""
