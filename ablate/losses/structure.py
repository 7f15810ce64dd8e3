"""Distortions of structure: MS-SSIM and its mixture with L1."""
