"""Pitch and loudness per frame: one causal extractor, the same for training and inside the exported model."""

# Part of every cache and model: raise it whenever a change here alters a single value.
VERSION = 2
