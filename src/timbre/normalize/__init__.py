"""Levels: one sound per usable recording, mono or stereo, at the model's rate, with a planned gain."""
