"""The Python interface: `import ablate`, then what the commands do, on objects and tables."""

import sys

from ablate.cli import NOT_HERE

if sys.platform == "win32":
    raise ImportError(NOT_HERE)

from ablate.api.grid import Grid as Grid
from ablate.api.loaded_codec import LoadedCodec as LoadedCodec
from ablate.api.loaded_codec import load as load
from ablate.api.open_study import OpenStudy as OpenStudy
from ablate.api.open_study import open as open  # noqa: A004 - read as ablate.open
from ablate.api.run import run as run
