"""Distortions of detail: Laplacian pyramid and image gradients."""
