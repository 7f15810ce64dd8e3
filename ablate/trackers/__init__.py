"""Trackers, to which trainings report while they run. Importing this package imports none of them."""
