"""Measures of two sounds, or of two tracks of features. None stands for "does not apply here", never 0."""
