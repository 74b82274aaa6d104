"""What is known of the set as a whole."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class SetFacts:
    """What `analyse` finds in all recordings together; empty where there was too little to tell.

    similar: pairs of recordings that sound the same: file, of, error_rate (share of wrong bits of the fingerprints),
    at_seconds and of_at_seconds (where the common part starts in each) and seconds (its length).
    environments: groups of recordings from one place: number (from 1, the largest first), files (how many), seconds,
    example (the file nearest to the middle), decay_seconds, ltas_db and noise_db (levels in the bands, their mean
    removed) and distance_db (from the average spectrum of the largest group).
    bands_hz: middles of those bands. variety: vendi, spread and windows.
    """

    similar: list[dict] = field(default_factory=list)
    environments: list[dict] = field(default_factory=list)
    bands_hz: list[float] = field(default_factory=list)
    variety: dict = field(default_factory=dict)
