"""Trains one cell from its settings to its committed result."""
