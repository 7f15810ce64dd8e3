"""The cell, images and store that the tests of trainings use."""

from tests.train.conftest import claimed, images, make_cell, store

__all__ = ["claimed", "images", "make_cell", "store"]
