"""Adversarial losses that judge an image's logits against a reconstruction's."""
