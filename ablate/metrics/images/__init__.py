"""Metrics of one image and its reconstruction; every module here is looked through for them."""
