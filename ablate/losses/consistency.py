"""Penalties on what the discriminators say: of neighbours, of transformed pictures, of themselves before."""
