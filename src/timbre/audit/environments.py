"""Which groups of recordings sound of another place than the main one, and by what one hears it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from timbre.audit.recordings import Recordings


@dataclass(frozen=True)
class Stranger:
    """A group that differs from the main one.

    ltas_db, noise_db: RMS distance of its average spectrum and of that of its pauses, each with its level removed;
    decay_ratio: how many times as long it rings on, or is heard to ring on in the main group. NaN where not known.
    """

    group: dict
    ltas_db: float
    noise_db: float
    decay_ratio: float
    beyond: tuple[str, ...]

    @property
    def words(self) -> str:
        """By what one hears that it is another place."""
        told = {
            "ltas": f"its average spectrum by {self.ltas_db:.1f} dB",
            "noise": f"the colour of its noise by {self.noise_db:.1f} dB",
            "decay": f"how long it rings on by a factor of {self.decay_ratio:.1f}",
        }
        parts = [told[name] for name in self.beyond]
        return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"


def strangers(recordings: Recordings) -> list[Stranger]:
    """The groups that differ from the largest by more than a limit, in the order of `SetFacts.environments`."""
    groups, limits = recordings.facts.environments, recordings.limits
    found = []
    for group in groups[1:]:
        main = groups[0]
        ltas, noise = (_distance_db(main.get(key), group.get(key)) for key in ("ltas_db", "noise_db"))
        ltas = float(group["distance_db"]) if group.get("distance_db") is not None else ltas
        decay = _ratio(main.get("decay_seconds"), group.get("decay_seconds"))
        beyond = [
            name
            for name, value, limit in (
                ("ltas", ltas, limits.environment_ltas_db),
                ("noise", noise, limits.environment_noise_db),
                ("decay", decay, limits.environment_decay_ratio),
            )
            if value > limit
        ]
        if beyond:
            found.append(Stranger(group, ltas, noise, decay, tuple(beyond)))
    return found


def _distance_db(one: list[float] | None, other: list[float] | None) -> float:
    """RMS difference of two spectra in dB without their means, over the bands that both have; NaN without any."""
    if not one or not other:
        return float("nan")
    difference = np.array(one, dtype=float) - np.array(other, dtype=float)
    difference = difference[np.isfinite(difference)]
    return float(np.std(difference)) if len(difference) else float("nan")


def _ratio(one: float | None, other: float | None) -> float:
    if one is None or other is None or not min(one, other) > 0.0:
        return float("nan")
    return float(max(one, other) / min(one, other))
