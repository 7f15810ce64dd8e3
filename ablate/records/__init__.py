"""Plans, settings, attempts, results and rows of a store as typed records: the one place that spells their keys.

What needs no pydantic is imported without it.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
