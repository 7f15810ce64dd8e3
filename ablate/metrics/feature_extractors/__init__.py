"""Feature extractors that distances between sets of patches are computed over; every module here is looked through."""
