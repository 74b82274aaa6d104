"""Pitch and loudness of an output against a reference, frame by frame, both as the model's own extractor hears them."""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import mir_eval
import numpy as np
import torch

from timbre.features.extractor import FeatureExtractor

# A-weighted dB under which a frame counts as silence, as in the audit. Trackers find pitch in the last breath of a
# tone, far under what is heard beside the music; that is no melody.
ACTIVE_DB = -60.0
# A reference with a smaller share of voiced frames among the active ones counts as unpitched.
PITCHED_SHARE = 0.2
MIN_FRAMES = 8
# Standard deviation in dB under which a loudness does not move, so that nothing can follow it.
STEADY_DB = 0.5


@dataclass(frozen=True)
class Tracks:
    """Features of one sound, each [frames]: pitch in Hz, voiced, A-weighted loudness in dB."""

    f0_hz: np.ndarray
    voiced: np.ndarray
    loudness_db: np.ndarray

    @property
    def active(self) -> np.ndarray:
        """Which frames are not silence, [frames] bool."""
        return self.loudness_db > ACTIVE_DB

    @property
    def melody(self) -> np.ndarray:
        """Which frames another sound is asked to match the pitch of: voiced and not silence, [frames] bool."""
        return self.voiced & self.active

    @property
    def pitched(self) -> bool:
        """Whether a pitch can be asked for: enough of the sound's active frames are voiced."""
        return self.melody.sum() >= max(MIN_FRAMES, PITCHED_SHARE * self.active.sum())

    @property
    def median_f0_hz(self) -> float | None:
        """The median pitch in Hz of the voiced frames; None for an unpitched sound."""
        return float(np.median(self.f0_hz[self.melody])) if self.pitched else None


def tracks_of(audio: np.ndarray, extractor: FeatureExtractor) -> Tracks:
    """Extract the tracks of audio [samples]."""
    with torch.no_grad():
        f0_hz, voiced, loudness_db, _ = extractor(torch.from_numpy(np.ascontiguousarray(audio))[None])
    return Tracks(f0_hz[0].double().numpy(), voiced[0].numpy() > 0.5, loudness_db[0].double().numpy())


def middles_samples(frames: int, hop: int, window: int) -> np.ndarray:
    """The sample that each of so many frames describes, the middle of its window: [frames], in halves.

    hop, window: of the frames in samples; the window of frame k ends with hop k (features/extractor.py).
    """
    return (np.arange(frames) + 1) * hop - window / 2.0


def f0_within_cents(reference: Tracks, output: Tracks, tolerance_cents: float) -> float | None:
    """Raw pitch accuracy: the share (0 to 1) of the reference's melody whose pitch is right within a tolerance.

    Salamon et al. 2014, "Melody extraction from polyphonic music signals" (mir_eval.melody). An unvoiced frame of the
    output has no pitch and counts as wrong. None for an unpitched reference.
    """
    if not reference.pitched:
        return None
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Estimated melody has no voiced frames")
        return float(mir_eval.melody.raw_pitch_accuracy(*_melodies(reference, output), cent_tolerance=tolerance_cents))


def f0_rca(reference: Tracks, output: Tracks, tolerance_cents: float) -> float | None:
    """Raw chroma accuracy: as `f0_within_cents`, but a pitch may be whole octaves away.

    Same source: a transfer to an instrument of another register is right to change the octave.
    """
    if not reference.pitched:
        return None
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Estimated melody has no voiced frames")
        return float(mir_eval.melody.raw_chroma_accuracy(*_melodies(reference, output), cent_tolerance=tolerance_cents))


def voicing_recall(reference: Tracks, output: Tracks) -> float | None:
    """The share (0 to 1) of the reference's melody in which the output has a pitch, whichever it is.

    Same source. None for an unpitched reference.
    """
    if not reference.pitched:
        return None
    voiced, played = reference.melody.astype(float), output.voiced.astype(float)
    return float(mir_eval.melody.voicing_recall(voiced, played))


def f0_median_cents(reference: Tracks, output: Tracks) -> float | None:
    """Median of |difference of pitch| in cents over the frames voiced in both; None where they are too few."""
    both = reference.melody & output.voiced
    if not reference.pitched or both.sum() < MIN_FRAMES:
        return None
    return float(np.median(np.abs(1200.0 * np.log2(output.f0_hz[both] / reference.f0_hz[both]))))


def loudness_l1_db(reference: Tracks, output: Tracks) -> float | None:
    """Mean of |difference of loudness| in dB over the reference's active frames; None where they are too few.

    The loudness of DDSP (Engel et al. 2020): A-weighted power of a frame, here in dB from -100 up.
    """
    active = reference.active
    if active.sum() < MIN_FRAMES:
        return None
    return float(np.mean(np.abs(output.loudness_db[active] - reference.loudness_db[active])))


def loudness_r(reference: Tracks, output: Tracks) -> float | None:
    """Pearson's correlation (-1 to 1) of the loudness in dB over the reference's active frames.

    None where they are too few or the reference is so steady that nothing can follow it. An output that does not move
    at all follows nothing: 0.
    """
    active = reference.active
    if active.sum() < MIN_FRAMES or reference.loudness_db[active].std() < STEADY_DB:
        return None
    if output.loudness_db[active].std() < 1e-6:
        return 0.0
    return float(np.corrcoef(reference.loudness_db[active], output.loudness_db[active])[0, 1])


def _melodies(reference: Tracks, output: Tracks) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Voicing and cents of both, as mir_eval takes them: 0 cents is "no pitch"."""
    asked, played = reference.melody, output.voiced
    cents = [
        np.where(voiced, 1200.0 * np.log2(track.f0_hz / 10.0), 0.0)
        for track, voiced in ((reference, asked), (output, played))
    ]
    return asked.astype(float), cents[0], played.astype(float), cents[1]
