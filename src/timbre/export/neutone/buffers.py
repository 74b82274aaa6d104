"""Which buffers the plug-in may hand to a model."""

from __future__ import annotations

LONGEST_SAMPLES = 512


def native_buffer_sizes(hop: int) -> list[int]:
    """The buffer sizes in samples that a network with this hop offers, ascending.

    The plug-in's queue takes the least size that is a multiple of the host's block, else the next larger, else the
    nearest. So each power of two serves host blocks of its size without delay, and one over 512 would be chosen for
    blocks that do not divide it, and make them wait for one block more.
    """
    sizes = [hop]
    while 2 * sizes[-1] <= LONGEST_SAMPLES:
        sizes.append(2 * sizes[-1])
    return sizes
