"""Distortions of frequencies."""
