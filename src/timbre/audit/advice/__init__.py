"""What to do with the recordings, in plain sentences with the figures they rest on."""
