"""Kernels in C for the CPU, compiled where they run."""
