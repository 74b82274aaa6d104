"""From trained weights to files that hosts load, and the proof that those files do what they say."""
