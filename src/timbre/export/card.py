"""The model card: models/export/README.md, from model.json and config.json, the same text for the same model."""

from __future__ import annotations

from timbre.export.verify import SILENT_DB
from timbre.params import Neutone

WHAT = {
    "ddsp harmonic_noise": "A DDSP model: it hears pitch and loudness of what is played into it, and plays harmonics "
    "and filtered noise by them.",
    "ddsp noise_bands": "A DDSP model of noise bands: it hears loudness and colour of what is played into it, and "
    "plays narrow bands of noise by them.",
    "rave": "A RAVE model: an autoencoder that codes what is played into it, and makes of the code what it has learned "
    "of its recordings.",
}
LIMITS = {
    "ddsp harmonic_noise": "It plays one note at a time, between {f0_min_hz:g} and {f0_max_hz:g} Hz as it hears them. "
    "Chords come out as one of their notes or as none; drums, breath and consonants as noise.",
    "ddsp noise_bands": "It plays no pitch of its own: a melody comes out as the movement of loudness and colour.",
    "rave": "What is unlike its recordings comes out as the nearest that it knows, more of the input where its code is "
    "richer.",
}
HOSTS = {
    "torchscript": "nn~ in Max and Pure Data, Python, anything with libtorch",
    "torchscript_int8": "the same; its large layers are in eight bits",
    "neutone": "Neutone FX",
    "onnx": "onnxruntime in any language, the browser",
}
PLACEHOLDER = (
    "TO BE FILLED IN by whoever passes this model on: whose recordings these are, who plays, under which licence they "
    "and this model may be used. (The export writes this file anew, so write it in the copy that you pass on.)"
)


def model_card(described: dict, config: dict, shown: Neutone) -> str:
    """The text of the card.

    described: the content of model.json. config: of models/train/config.json. shown: the name and sentence that a
    plug-in shows as well.
    """
    kind = " ".join(filter(None, [config["model"], config.get("synth")]))
    parts = [
        f"# {_line(shown.name)}",
        _line(shown.short_description),
        WHAT.get(kind, f"A model of the kind `{kind}`."),
        _table(["", ""], _facts(described, kind)),
        "## Recordings and licence",
        PLACEHOLDER,
        "## Files",
        "What each of them takes and gives stands in docs/exports.md, all of this and the digests in model.json.",
        _table(["file", "MB", "opens in"], _files(described)),
        "## Controls",
        "What may be turned while it plays, and where each stands in a freshly loaded file.",
        _table(["control", "from, to", "at first", "does nothing at", "what it does"], _controls(described)),
        *_knobs(described["targets"]),
        "## How it was trained",
        *_training(config),
        "## How it was proved",
        _list(_proofs(described)),
        "## Limits",
        _list(_limits(described, config, kind)),
        "## Made with",
        ", ".join(f"{name} {version}" for name, version in sorted(described["versions"].items())) + ".",
    ]
    return "\n\n".join(parts) + "\n"


def _facts(described: dict, kind: str) -> list[list[str]]:
    rate, hop, latent = described["sample_rate_hz"], described["block_samples"], described["latent_dimensions"]
    return [
        ["model", kind],
        ["parameters", f"{described['parameters']:,}"],
        ["sample rate", f"{rate} Hz"],
        ["channels", "mono" if described["channels"] == 1 else "stereo"],
        ["blocks", f"multiples of {_samples(hop, rate)}"],
        ["delay", f"{_samples(described['delay_samples'], rate)}, and what the host needs to gather a block"],
        ["rings on", f"{_samples(described['tail_samples'], rate)} after the input has ended"],
        *([["latent", f"{latent} dimensions, a frame in {hop} samples"]] if latent else []),
    ]


def _files(described: dict) -> list[list[str]]:
    targets, rows = described["targets"], []
    for name, hosts in HOSTS.items():
        if name in targets:
            # The plug-in plays a code, of one channel.
            more = ", RAVE-VST" if name == "torchscript" and _has_code_of_one_channel(described) else ""
            rows.append([f"`{targets[name]['file']}`", f"{targets[name]['bytes'] / 1e6:.1f}", hosts + more])
    return rows


def _has_code_of_one_channel(described: dict) -> bool:
    return bool(described["latent_dimensions"]) and described["channels"] == 1


def _controls(described: dict) -> list[list[str]]:
    rows = []
    for control in described["controls"]:
        unit = f" {control['unit']}" if control["unit"] else ""
        limits = f"{control['least']:g}, {control['most']:g}{unit}"
        rows.append(
            [f"`{control['name']}`", limits, f"{control['default']:g}", f"{control['neutral']:g}", control["meaning"]]
        )
    return rows


def _knobs(targets: dict) -> list[str]:
    knobs = targets.get("neutone", {}).get("knobs", {})
    if not knobs:
        return []
    told = (f"`{knob['control']}` from {knob['least']:g} to {knob['most']:g}" for _, knob in sorted(knobs.items()))
    return [f"The knobs of Neutone, first to last: {', '.join(told)}."]


def _training(config: dict) -> list[str]:
    """What config.json says of it; what it does not say is left out."""
    rows = [["network", _listed(config["network"])], ["seed", str(config["seed"])]]
    rows += [[name.replace("_", " "), str(value)] for name, value in config.get("training", {}).items()]
    heard = config["statistics"]
    if heard["loudness_db"]:
        low, _, middle, _, high = heard["loudness_db"]
        rows.append(["loudness of the recordings", f"{low:g} to {high:g} dB (A-weighted), half of it over {middle:g}"])
    if heard["f0_hz"]:
        low, _, middle, _, high = heard["f0_hz"]
        rows.append(["pitch of the recordings", f"{low:.0f} to {high:.0f} Hz, half of it over {middle:.0f}"])
    rows.append(["with a pitch", f"{100 * heard['voiced_share']:.0f} % of all frames"])
    return [
        "Loudness and pitch are those between which nine tenths of what sounds in the recordings lie. Curves, the "
        "whole preset and what the model makes of recordings that it has never heard are in reports/train and "
        "reports/evaluation of the commit that this file belongs to.",
        _table(["", ""], rows),
    ]


def _proofs(described: dict) -> list[str]:
    level = described["silence_dbfs"]
    silence = f"{level:g} dBFS at most" if level > SILENT_DB else "digital silence"
    lines = [
        f"Played in blocks of several sizes, `model.ts` equals what the network makes of the whole sound to "
        f"{described['streaming_snr_db']:g} dB, later by just the delay above.",
        "After `reset()` it plays the bits of a freshly loaded file.",
        f"Silence, and what is left a second after a sound has rung out, is {silence}; "
        "direct current, a full-scale square wave and samples that are no numbers leave nothing behind.",
    ]
    targets = described["targets"]
    if "torchscript_int8" in targets:
        said = targets["torchscript_int8"]
        lines.append(
            f"`{said['file']}` lies {said['distance_db']:g} dB from `model.ts` on the mean of the test inputs, "
            f"{said['largest_distance_db']:g} dB at most (log-spectral distance)."
        )
    others = [f"`{targets[name]['file']}`" for name in ("neutone", "onnx") if name in targets]
    if others:
        lines.append(f"{' and '.join(others)}: the same promises, each played in a process of its own.")
    return lines


def _limits(described: dict, config: dict, kind: str) -> list[str]:
    rate = described["sample_rate_hz"]
    return [
        *([LIMITS[kind].format(**config["features"])] if kind in LIMITS else []),
        "Louder or softer, higher or lower than the recordings it plays what it has never heard, and sounds the less "
        "like them.",
        f"A host at another rate than {rate} Hz resamples on the way in and out, or plays at another pitch.",
        "It sounds like its recordings: a voice that can be told in them can be told in what it plays.",
    ]


def _samples(count: int, rate_hz: int) -> str:
    return f"{count} samples ({1000 * count / rate_hz:.1f} ms)"


def _listed(settings: dict) -> str:
    return ", ".join(f"{name} {str(value).lower()}" for name, value in sorted(settings.items()))


def _line(text: str) -> str:
    return " ".join(text.split())


def _list(lines: list[str]) -> str:
    return "\n".join(f"- {line}" for line in lines)


def _table(head: list[str], rows: list[list[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)
