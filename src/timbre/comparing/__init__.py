"""Evaluations of several revisions, side by side."""
