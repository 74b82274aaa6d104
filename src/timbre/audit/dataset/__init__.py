"""What shows only when all recordings are heard together."""
