"""Adversarial losses of the f-GAN family: variational bounds of f-divergences."""
