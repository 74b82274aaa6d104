"""What each figure is called, which way is better, what it is read against and what it says to a musician."""

from __future__ import annotations

from dataclasses import dataclass

from timbre.evaluation.items import RECONSTRUCTION, TRANSFER
from timbre.evaluation.measure import rca_key, within_key

MODEL, ROBUSTNESS = "model", "robustness"
NOT_APPLICABLE, MINUS = "\u2013", "\u2212"
HIGHER, LOWER = "higher", "lower"


@dataclass(frozen=True)
class Entry:
    """One figure of metrics.json, under its section and key.

    anchors: (label, name) of what to read it against, in the page's order. ends: names of the anchors between which its
    share lies, the bad one first; None for figures without a share. unit: "" where it has none, "share" for 0 to 1.
    """

    section: str
    key: str
    name: str
    better: str
    unit: str
    meaning: str
    anchors: tuple[tuple[str, str], ...] = ()
    ends: tuple[str, str] | None = None


# What stands in place of the output; see `timbre.evaluation.anchors`.
UNTRAINED, SILENCE, MEL = ("untrained", "untrained"), ("silence", "silence"), ("from its mel bands", "mel_inversion")
OTHER_TAKE, IDEAL = ("another take", "target"), ("perfect", "identity")
FLOOR = ("noise floor", "noise_floor")
UNCHANGED, UNADAPTED = ("input unchanged", "identity"), ("without adaptation", "unadapted")
TARGET_TAKE, TARGET_SPREAD = ("a take of the target", "target"), ("target's own spread", "target")


def entries(tolerance_cents: float) -> list[Entry]:
    """Every figure of metrics.json, in the page's order."""
    return [*_transfer(tolerance_cents), *_reconstruction(tolerance_cents), *_model(), *_robustness()]


def _transfer(tolerance_cents: float) -> list[Entry]:
    # Content is kept by doing nothing, and by chance in a take of the target; with colour it is the other way round.
    content = (UNCHANGED, TARGET_TAKE, UNTRAINED, UNADAPTED), ("target", "identity")
    colour = (UNCHANGED, TARGET_SPREAD, UNTRAINED, UNADAPTED), ("identity", "target")
    return [
        Entry(TRANSFER, rca_key(tolerance_cents), "Pitch kept", HIGHER, "share",
              f"Share of the pitched moments whose note is right within {tolerance_cents:g} cents; another octave "
              "counts as right.", *content),
        Entry(TRANSFER, "loudness_r", "Dynamics kept", HIGHER, "",
              "How well the output's loudness rises and falls with the input's: 1 is together, 0 is unrelated.",
              *content),
        Entry(TRANSFER, "ltas_db", "Distance to the target's colour", LOWER, "dB",
              "How far the average spectrum lies from that of the held-out target recordings, in third octaves. It "
              "hears overall colour, not notes or noise.", *colour),
        Entry(TRANSFER, "kad_mfcc", "Distance to the target's timbre", LOWER, "",
              "How far the seconds of an output lie from those of the target in outline of spectrum and its movement "
              "(kernel distance of cepstral statistics, not a learned embedding). It hears no pitch and no level.",
              *colour),
        Entry(TRANSFER, "onset_f", "Onsets kept", HIGHER, "share",
              "100 % where every note and hit begins within 50 ms of the input's and none is added (F-measure).",
              *content),
        Entry(TRANSFER, "level_linearity_db", "Level against the input's", LOWER, "dB",
              "How far the output's level lies from where it should when the input is turned down by 12 dB or up by "
              "6 dB, every control neutral.", (("always equally loud", "constant_level"), IDEAL),
              ("constant_level", "identity")),
        Entry(TRANSFER, "leap_frames", "Pitch leaps at the edges of notes", LOWER, "frames",
              "The longest time, in any of the inputs, that a note spends more than an octave off where it starts or "
              "ends. It is heard as a hiccup; how long a frame lasts stands at the top of this page.", (UNADAPTED,)),
        Entry(TRANSFER, "buzz_db", "Buzz where the input has no pitch", LOWER, "dB",
              "Level of the model's harmonics under breath, consonants and noise against the input's level there, in "
              "the worst of the inputs. Only for models that can play their harmonics alone."),
    ]  # fmt: skip


def _reconstruction(tolerance_cents: float) -> list[Entry]:
    def spectral(key: str, name: str, unit: str, meaning: str, *more: tuple[str, str]) -> Entry:
        anchors = UNTRAINED, MEL, OTHER_TAKE, SILENCE, *more
        return Entry(RECONSTRUCTION, key, name, LOWER, unit, meaning, anchors, ("untrained", "identity"))

    # An untrained model may already pass pitch and loudness on, so these count from what another take has by chance.
    def content(key: str, name: str, better: str, unit: str, meaning: str) -> Entry:
        anchors = UNTRAINED, MEL, OTHER_TAKE
        return Entry(RECONSTRUCTION, key, name, better, unit, meaning, anchors, ("target", "identity"))

    within = f"Share of the pitched moments within {tolerance_cents:g} cents of the original"
    return [
        Entry(RECONSTRUCTION, "mss", "Spectral error", LOWER, "",
              "Multi-scale spectral error on recordings the model never saw. Two takes of the same noise already "
              "differ by the noise floor, so no model gets much below it where noise rules.",
              (UNTRAINED, MEL, OTHER_TAKE, SILENCE, FLOOR), ("untrained", "noise_floor")),
        Entry(RECONSTRUCTION, "mss_excess_ratio", "Error left of the untrained model's", LOWER, "share",
              "Spectral error above the noise floor: 100 % is the model before training, 0 % differs by noise only."),
        content(within_key(tolerance_cents), "Pitch right", HIGHER, "share", f"{within}."),
        content(rca_key(tolerance_cents), "Pitch right in any octave", HIGHER, "share",
                f"{within}, whole octaves aside. Far over the figure above, the model plays in a wrong octave."),
        content("f0_median_cents", "Typical pitch error", LOWER, "cents",
                "Half of the pitched moments are nearer to the original than this; 100 cents are a semitone."),
        # Another take sounds most of the time too, so it says little here.
        Entry(RECONSTRUCTION, "voicing_recall", "Tone where there is tone", HIGHER, "share",
              "Share of the pitched moments in which the output has a pitch at all, whichever it is.",
              (UNTRAINED, MEL, OTHER_TAKE, SILENCE), ("silence", "identity")),
        content("loudness_l1_db", "Typical loudness error", LOWER, "dB",
                "How far the loudness of a moment lies off, on average."),
        spectral("harmonics_l1_db", "Level error of the partials", "dB",
                 "How far each partial of the pitched moments lies off in level, on average, of those within 30 dB of "
                 "the strongest. It hears the tone without the hiss."),
        content("onset_f", "Onsets right", HIGHER, "share",
                "100 % where every note begins within 50 ms of the original's and none is added (F-measure)."),
        spectral("mcd_db", "Tone colour error", "dB",
                 "How far the outline of the spectrum lies off, its level aside (mel-cepstral distortion)."),
        spectral("kad_mfcc", "Distance of timbre", "",
                 "How far the seconds of an output lie from those of its original as a set (kernel distance of "
                 "cepstral statistics, not a learned embedding). It forgives what lies at another moment."),
        spectral("lsd_db", "Spectrum error, line by line", "dB",
                 "How far every line of the spectrum lies off (log-spectral distance). It counts hiss between the "
                 "partials as much as the partials, and two takes of the same hiss already differ by the noise floor.",
                 FLOOR),
        spectral("logmel_l1", "Spectrum error, band by band", "",
                 "The same in bands as wide as the ear's, as a natural logarithm: 0.1 is about 1 dB."),
    ]  # fmt: skip


def _model() -> list[Entry]:
    return [
        Entry(MODEL, "delay_samples", "Delay", LOWER, "samples", "By how much the output is late, as a host is told."),
        Entry(MODEL, "delay_onset_samples", "Delay of a note", LOWER, "samples",
              "From a note's start at the input to where it has half its loudness at the output, played live."),
        Entry(MODEL, "delay_jitter_onset_samples", "Jitter of notes", LOWER, "samples",
              "How much that differs from note to note: 95th less 5th percentile of 16 notes that start anywhere in "
              "the model's frame."),
        Entry(MODEL, "delay_jitter_impulse_samples", "Jitter of clicks", LOWER, "samples",
              "The same of clicks, by the middle of what they make sound."),
        Entry(MODEL, "streaming_snr_db", "Streaming equals offline", HIGHER, "dB",
              "Level of the sound over that of the difference between playing it block by block and as a whole."),
        Entry(MODEL, "streaming_max_diff", "Largest difference in streaming", LOWER, "",
              "The largest difference between samples played in small blocks and in one; full scale is 1."),
        Entry(MODEL, "silence_dbfs_after_1s", "Silence after sound", LOWER, "dBFS",
              "Level a second after the input has stopped."),
        Entry(MODEL, "degeneracy", "Different outputs for different inputs", HIGHER, "share",
              "How much the outputs differ from each other, of how much the inputs do. Under 10 % the model plays the "
              "same whatever it hears."),
        Entry(MODEL, "degenerate", "The same output whatever the input", LOWER, "", "1 where that is so, else 0."),
        Entry(MODEL, "parameters", "Parameters", LOWER, "", "Numbers that were learned."),
        Entry(MODEL, "bytes", "File size", LOWER, "bytes", "Of model.ts."),
        Entry(MODEL, "macs_per_second", "Work", LOWER, "MAC/s",
              "Multiplications and additions of matrices and convolutions that a second of sound takes."),
    ]  # fmt: skip


def _robustness() -> list[Entry]:
    found = [
        Entry(ROBUSTNESS, "silence_floor_dbfs", "Sound of silence", LOWER, "dBFS", "Level where nothing goes in."),
    ]
    signals = (
        ("square", "a full-scale square wave of 110 Hz"),
        ("dc", "a constant at full scale"),
        ("sweep", "a full-scale sine from 20 Hz to 20 kHz"),
    )
    for key, signal in signals:
        found += [
            Entry(ROBUSTNESS, f"{key}_peak_dbfs", f"Peak: {key}", LOWER, "dBFS",
                  f"Highest sample of what {signal} makes; over 0 it clips where samples are integers."),
            Entry(ROBUSTNESS, f"{key}_after_dbfs", f"Silence after: {key}", LOWER, "dBFS",
                  f"Level a second after {signal} has stopped and the model's own reverb has ended."),
        ]  # fmt: skip
    return [
        *found,
        Entry(ROBUSTNESS, "finite", "Numbers only", HIGHER, "", "1 where all samples that came out are numbers."),
        Entry(ROBUSTNESS, "returns_to_silence", "Falls silent again", HIGHER, "",
              "1 where all these levels of silence are under \u221280 dBFS."),
    ]  # fmt: skip


PERCENT = ("f0_within", "f0_rca", "mss_excess_ratio", "onset_f", "voicing_recall", "degeneracy", "share")
COUNTS = ("parameters", "bytes", "macs_per_second")


def formatted(key: str, value: float | None) -> str:
    """A figure as the page shows it, with its unit; a dash where it does not apply."""
    if value is None:
        return NOT_APPLICABLE
    if key.startswith(PERCENT):
        return f"{100.0 * value:.0f} %".replace("-", MINUS)
    if "_frames" in key:
        return f"{value:.0f} frame{'' if value == 1 else 's'}"
    if "_samples" in key:
        return f"{value:.0f} samples"
    if key in COUNTS:
        return _with_prefix(value, {"bytes": "B", "macs_per_second": "MAC/s"}.get(key, ""))
    if key in ("degenerate", "finite", "returns_to_silence"):
        return "yes" if value else "no"
    if key == "streaming_max_diff":
        return f"{value:.1e}".replace("-", MINUS)
    if "_cents" in key:
        return f"{value:.1f} cents"
    if "_db" in key or "lufs" in key:
        unit = "LUFS" if "lufs" in key else "dBFS" if "dbfs" in key else "dB"
        return f"{value:.1f} {unit}".replace("-", MINUS)
    if key.startswith("kad_mfcc"):
        return f"{value:.1f}".replace("-", MINUS)
    return f"{value:.2f}".replace("-", MINUS)


def _with_prefix(value: float, unit: str) -> str:
    """Three digits with k, M or G."""
    for factor, prefix in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if value >= factor:
            return f"{value / factor:.3g} {prefix}{unit}"
    return f"{value:.0f} {unit}".strip()
