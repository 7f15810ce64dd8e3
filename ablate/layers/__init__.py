"""Layers that codecs and discriminators are made of: padding, normalisation, first weights."""
