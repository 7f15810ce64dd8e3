"""Penalties on the gradient of the discriminators with respect to what they see."""
