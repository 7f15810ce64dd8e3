"""Where trainings report to while they run. Importing this package imports no tracker."""
