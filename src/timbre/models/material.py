"""Recordings that are too few for what a preset asks of them, in words."""

from __future__ import annotations


def too_little(demand: str, needed_seconds: float, seconds: float, largest: float, least: float) -> str:
    """The line on a demand for more recordings to train on than there are.

    demand: key and value, up to the verb. largest: the value that these recordings would do for; it is only proposed
    where it is `least`, the smallest legal one, at least.
    """
    instead = f"Write {largest:g} or less, or add recordings" if largest >= least else "Add recordings"
    return f"{demand} takes {needed_seconds:.4g} s of recordings to train on, and there are {seconds:.4g} s. {instead}."
