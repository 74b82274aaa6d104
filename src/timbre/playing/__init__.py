"""Playing sound through an exported file, whichever its format."""
