"""Levels: one mono sound per usable recording, at the model's rate, with a planned gain."""
