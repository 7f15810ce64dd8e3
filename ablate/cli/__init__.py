"""The command line: parses, calls, prints."""

FAULT = 70
"""Exit code of an error that nobody foresaw; 1, which Python would take, means that a result regressed."""
INCOMPLETE = 3
"""Exit code of what could not be done to its end."""
NOT_HERE = "ablate needs file locks and forked processes, which Windows has none of: run it in WSL"
NO_READER = 141
"""Exit status that a shell reports for a program ended by SIGPIPE."""


def main() -> None:
    """Runs the command that the arguments name, and exits with its code."""
    # Workers import the script that started them, and need none of this.
    import contextlib
    import sys
    import traceback

    if sys.platform == "win32":
        sys.exit(NOT_HERE)

    from ablate.cli.process import OutputLostError, ReaderGoneError, prepare

    prepare()
    try:
        from ablate.cli.app import app

        app()
    except ReaderGoneError:
        sys.exit(NO_READER)
    except OutputLostError as error:
        with contextlib.suppress(OutputLostError):  # where that goes to the same full disk
            print(f"error: the output cannot be written: {error}", file=sys.stderr, flush=True)  # noqa: T201
        sys.exit(INCOMPLETE)
    except Exception:  # noqa: BLE001 - shown as the fault that it is
        traceback.print_exc()
        sys.exit(FAULT)
