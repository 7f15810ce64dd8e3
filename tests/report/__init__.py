"""Tests of `ablate.report`; a package, so that modules of one name in other directories are told apart."""
