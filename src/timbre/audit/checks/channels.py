"""Channels that work against each other, or do not work at all."""

from timbre.audit.checks.check import FileCheck

CHECKS = (
    FileCheck(
        "silent_channel", "warning", "A dead channel",
        "A channel carries nothing, so that the mono mix is quieter than the take. Export the living one as mono.",
        "{value:.0f} silent", 0.0, step=1.0,
        value="silent_channels", serious=True, remedy="redo", picture="channels",
    ),
    FileCheck(
        "inverted", "warning", "Left and right cancel each other",
        "One side is upside down, so that mono would cancel. normalize takes the left channel alone.",
        "correlation {value:.2f} (limit {limit:g})", "inverted_correlation", "under", step=0.25,
        value="channel_correlation", remedy="none", picture="channels",
    ),
    FileCheck(
        "mono_loss", "warning", "Loses level in mono",
        "Its sides partly cancel when they are added, which colours the mono mix that a model learns from. Export one "
        "side, or the middle microphone, as mono.",
        "{value:.1f} dB lost (limit {limit:g})", "mono_loss_db", step=3.0,
        value="mono_loss_db", unless=("silent_channel", "inverted"), remedy="listen", picture="channels",
    ),
    FileCheck(
        "dual_mono", "info", "Mono in a stereo file",
        "Both sides hold the same sound. There is nothing to do; a stereo model learns no width from it.",
        "correlation {value:.4f}", "dual_mono_correlation", step=0.001,
        value="channel_correlation",
    ),
    FileCheck(
        "surround", "info", "More than two channels",
        "normalize takes the mean of all of them, in stereo the first two.",
        "{value:.0f} channels", 2.0, step=2.0,
        value="channels",
    ),
)  # fmt: skip
