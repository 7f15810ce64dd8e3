"""Loss benchmarking and ablation for the GAN image codec of Agustsson et al."""

__version__ = "0.2.0.dev0"
