"""Which buffers the plug-in may hand to a model."""

from __future__ import annotations

LONGEST_SAMPLES = 2048


def native_buffer_sizes(hop: int) -> list[int]:
    """The buffer sizes in samples that a network with this hop offers, ascending.

    The plug-in's queue takes the least size that is a multiple of the host's block, else the next larger, else the
    nearest. So with powers of two each host block of such a size is played in one piece, and those of 480, 960 or 3000
    samples wait no longer than for the hop alone. Odd blocks under the longest size may wait for one block more, which
    is why there is a longest one: 4096 would make blocks of 3000 wait for two.
    """
    sizes = [hop]
    while 2 * sizes[-1] <= LONGEST_SAMPLES:
        sizes.append(2 * sizes[-1])
    return sizes
