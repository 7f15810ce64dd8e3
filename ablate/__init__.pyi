from . import losses as losses
from . import metrics as metrics
from . import statistics as statistics
from .api import Grid as Grid
from .api import LoadedCodec as LoadedCodec
from .api import OpenStudy as OpenStudy
from .api import load as load
from .api import open as open
from .api import run as run

__version__: str
