"""Frozen networks with published weights, through which metrics and losses look at images."""
