"""The command line: parses, calls, prints."""


def main() -> None:
    """Runs the command that the arguments name, and exits with its code."""
    # Workers import the script that started them, and need no parser.
    from ablate.cli.app import app

    app()
