"""Images that settings name: which ones, their identity, and their pixels.

`resolve` gives the settings their content digests; `prepare` decodes a split once into a shared cache. Neither needs
torch; `ablate.data.crops`, which does, is imported by its own name.
"""

from ablate.data.cache import prepare_folder
from ablate.data.images import Images
from ablate.data.maps import prepare
from ablate.data.selection import resolve, stat_fingerprint

__all__ = ["Images", "prepare", "prepare_folder", "resolve", "stat_fingerprint"]
