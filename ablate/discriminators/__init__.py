"""Discriminators, which tell images from reconstructions at several scales."""
