"""Data sources: where images come from, by name. Importing a file of this room imports no torch."""
