"""Measures codecs on whole images: trained cells, the same cells on other images, and standard codecs beside them."""
