"""Loss functions of the compressive GAN: pure functions of tensors, found by name. Importing it imports no torch."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
