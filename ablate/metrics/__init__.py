"""Image and rate metrics: pure functions of uint8 images, of feature matrices and of symbols.

Images are uint8 RGB (N, 3, H, W): rounding happens once, before any metric. Importing this package does not import
torch.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
