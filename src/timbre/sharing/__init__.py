"""Results travel between clones: by a DVC remote for files, by a git remote for commits and experiments."""
