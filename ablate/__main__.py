"""Lets `python -m ablate` stand for `ablate`."""

from ablate.cli import main

if __name__ == "__main__":
    main()
