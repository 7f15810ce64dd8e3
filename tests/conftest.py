"""What all tests stand on."""

import signal


def pytest_configure() -> None:
    """Lets the processes that tests start be interrupted, also where the tests themselves run in the background.

    A shell ignores Ctrl-C for its jobs in the background, children inherit that, and `ablate` respects it.
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
