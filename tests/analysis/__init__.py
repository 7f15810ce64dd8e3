"""Tests of `ablate.analysis`; a package, so that modules of one name in other directories are told apart."""
