"""What the fork server alone imports: a worker whose runner is killed while it starts it ends without a word."""

import pickle
import sys
from types import TracebackType


def _told(kind: type[BaseException], error: BaseException, where: TracebackType | None) -> None:
    """Prints a traceback, as Python does, unless multiprocessing waited for a job that nobody sends any more."""
    last = where
    while last is not None and last.tb_next is not None:
        last = last.tb_next
    waited = last is not None and last.tb_frame.f_globals["__name__"] == "multiprocessing.spawn"
    if not (waited and issubclass(kind, EOFError | pickle.UnpicklingError)):
        sys.__excepthook__(kind, error, where)


sys.excepthook = _told
