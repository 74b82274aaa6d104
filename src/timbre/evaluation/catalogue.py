"""What each figure is called, which way is better and what it says, in words a musician understands."""

from __future__ import annotations

from dataclasses import dataclass

from timbre.evaluation.items import RECONSTRUCTION, TRANSFER
from timbre.evaluation.measure import rca_key, within_key

NOT_APPLICABLE, MINUS = "\u2013", "\u2212"


@dataclass(frozen=True)
class Entry:
    """One row of the page's table; anchors are (label, key) of figures to read it against."""

    section: str
    key: str
    name: str
    better: str
    meaning: str
    anchors: tuple[tuple[str, str], ...]


def entries(tolerance_cents: float) -> list[Entry]:
    """The rows of both tables, in the page's order."""
    within, rca = within_key(tolerance_cents), rca_key(tolerance_cents)

    def held_out(key: str, name: str, better: str, meaning: str) -> Entry:
        return Entry(RECONSTRUCTION, key, name, better, meaning, (("untrained", f"{key}_untrained"),))

    def foreign(key: str, name: str, better: str, meaning: str) -> Entry:
        anchors = ("input unchanged", f"{key}_identity"), ("without adaptation", f"{key}_unadapted")
        return Entry(TRANSFER, key, name, better, meaning, anchors)

    return [
        foreign(rca, "Pitch kept", "higher",
                f"Share of the pitched moments whose note is right within {tolerance_cents:g} cents; another octave "
                "counts as right."),
        foreign("loudness_r", "Dynamics kept", "higher",
                "How well the output's loudness rises and falls with the input's: 1 is together, 0 is unrelated."),
        Entry(TRANSFER, "ltas_db", "Distance to the target's colour", "lower",
              "How far the average spectrum lies from that of the held-out target recordings, in third octaves. It "
              "hears overall colour, not notes or noise.",
              (("input unchanged", "ltas_db_identity"), ("without adaptation", "ltas_db_unadapted"),
               ("target's own spread", "ltas_db_target"))),
        foreign("onset_f", "Onsets kept", "higher",
                "100 % where every note and hit begins within 50 ms of the input's and none is added (F-measure)."),
        Entry(TRANSFER, "leap_frames", "Pitch leaps at the edges of notes", "lower",
              "The longest time, in any of the inputs, that a note spends more than an octave off where it starts or "
              "ends. It is heard as a hiccup; how long a frame lasts stands at the top of this page.",
              (("without adaptation", "leap_frames_unadapted"),)),
        Entry(TRANSFER, "buzz_db", "Buzz where the input has no pitch", "lower",
              "Level of the model's harmonics under breath, consonants and noise against the input's level there, in "
              "the worst of the inputs. Only for models that can play their harmonics alone.", ()),
        Entry(RECONSTRUCTION, "mss", "Spectral error", "lower",
              "Multi-scale spectral error on recordings the model never saw. Two takes of the same noise already "
              "differ by the noise floor, so no model gets much below it where noise rules.",
              (("untrained", "mss_untrained"), ("silence", "mss_silence"), ("noise floor", "mss_noise_floor"))),
        Entry(RECONSTRUCTION, "mss_excess_ratio", "Error left of the untrained model's", "lower",
              "Spectral error above the noise floor: 100 % is the model before training, 0 % differs by noise only.",
              ()),
        held_out(within, "Pitch right", "higher",
                 f"Share of the pitched moments within {tolerance_cents:g} cents of the original."),
        held_out("f0_median_cents", "Typical pitch error", "lower",
                 "Half of the pitched moments are nearer to the original than this; 100 cents are a semitone."),
        held_out("loudness_l1_db", "Typical loudness error", "lower",
                 "How far the loudness of a moment lies off, on average."),
        held_out("harmonics_l1_db", "Level error of the partials", "lower",
                 "How far each partial of the pitched moments lies off in level, on average, of those within 30 dB of "
                 "the strongest. It hears the tone without the hiss."),
        held_out("onset_f", "Onsets right", "higher",
                 "100 % where every note begins within 50 ms of the original's and none is added (F-measure)."),
        held_out("mcd_db", "Tone colour error", "lower",
                 "How far the outline of the spectrum lies off, its level aside (mel-cepstral distortion)."),
        Entry(RECONSTRUCTION, "lsd_db", "Spectrum error, line by line", "lower",
              "How far every line of the spectrum lies off (log-spectral distance). It counts hiss between the "
              "partials as much as the partials, and two takes of the same hiss already differ by the noise floor.",
              (("untrained", "lsd_db_untrained"), ("noise floor", "lsd_db_noise_floor"))),
        held_out("logmel_l1", "Spectrum error, band by band", "lower",
                 "The same in bands as wide as the ear's, as a natural logarithm: 0.1 is about 1 dB."),
    ]  # fmt: skip


def formatted(key: str, value: float | None) -> str:
    """A figure as the page shows it, with its unit; a dash where it does not apply."""
    if value is None:
        return NOT_APPLICABLE
    if key.startswith(("f0_within", "f0_rca", "mss_excess_ratio", "onset_f")):
        return f"{100.0 * value:.0f} %".replace("-", MINUS)
    if "_frames" in key:
        return f"{value:.0f} frame{'' if value == 1 else 's'}"
    if "_cents" in key:
        return f"{value:.1f} cents"
    if "_db" in key or "lufs" in key:
        unit = "LUFS" if "lufs" in key else "dBFS" if "dbfs" in key else "dB"
        return f"{value:.1f} {unit}".replace("-", MINUS)
    return f"{value:.2f}".replace("-", MINUS)
