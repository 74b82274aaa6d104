"""DDSP: a network plays harmonic oscillators and filtered noise (Engel et al. 2020; arXiv 2001.04643)."""
