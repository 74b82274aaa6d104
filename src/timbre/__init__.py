"""timbre: from a folder of recordings to a neural audio effect."""

__version__ = "0.1.0"
