"""Shapes of crops of the tiny cache."""

from timbre.cache.crops import CropShape

# Within a slice of 31 frames, longer than one, longer than most files; with and without a lead longer than the delay.
SHAPES = (CropShape(10, 8, 4), CropShape(40, 2, 4), CropShape(120, 0, 4), CropShape(1, 4, 4), CropShape(35, 50, 4))
