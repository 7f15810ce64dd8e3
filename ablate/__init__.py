"""Loss benchmarking and ablation for the GAN image codec of Agustsson et al."""

import lazy_loader

__version__ = "0.2.0.dev0"

# Importing ablate is cheap; each name brings what it needs when it is first used.
__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
