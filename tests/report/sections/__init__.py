"""Tests of `ablate.report.sections`."""
