"""The schema of params.yaml: what each key may hold, and one clear line for each that does not."""

from __future__ import annotations

import difflib
import math
import sys
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from timbre.errors import UserError, stage_main

ModelName = Literal["ddsp", "rave"]
SizeName = Literal["tiny", "small", "default", "large", "low_latency", "fast"]
SynthName = Literal["harmonic_noise", "noise_bands"]
TargetName = Literal["torchscript", "neutone", "onnx"]
Ratio = Literal[1, 2, 4, 8, 16]
# What the audit looks for: the names in its warnings, and what audit.fail_on may stop at; timbre.audit.checks has the
# rest of each.
CheckName = Literal[
    # the set
    "too_little",
    "mostly_lost",
    "faulty",
    "small_dataset",
    "synth_mismatch",
    "polyphonic",
    "environments",
    "loudness_spread",
    "one_sound",
    "many_sounds",
    "lost",
    "other_formats",
    "mixed_rates",
    # recordings that are left out, and copies
    "unreadable",
    "leak",
    "duplicate",
    "silent",
    "almost_silent",
    "leak_part",
    "near_copy",
    # one recording
    "clipping",
    "pile_up",
    "clipped_runs",
    "quiet",
    "loud",
    "no_dynamics",
    "wide_dynamics",
    "silence",
    "true_peak",
    "noisy",
    "noise_floor",
    "hum",
    "clicks",
    "dc_offset",
    "low_frequency",
    "upsampled",
    "low_rate",
    "coarse",
    "lossy",
    "short",
    "silent_channel",
    "inverted",
    "mono_loss",
    "dual_mono",
    "surround",
    "chords",
    "unpitched",
]
Share = Annotated[float, Field(ge=0.01, le=0.5)]
Steps = Annotated[int, Field(ge=1, le=100_000_000)]


class Section(BaseModel):
    """A part of params.yaml: every key must be known, and numbers must be numbers."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


class Demo(Section):
    """The built-in corpus."""

    train_minutes: float = Field(ge=0.2, le=600.0)
    test_minutes: float = Field(ge=0.1, le=60.0)
    seed: int = Field(ge=0)


class Data(Section):
    """Where the sounds are, and the rate (Hz) and channels they are worked at."""

    raw: str = Field(min_length=1)
    test_inputs: str = Field(min_length=1)
    sample_rate: Literal[16000, 22050, 24000, 32000, 44100, 48000]
    channels: Literal[1, 2]


class Thresholds(Section):
    """Limits of the audit."""

    quiet_lufs: float = Field(ge=-70.0, le=0.0)
    refuse_lufs: float = Field(ge=-200.0, le=0.0)
    loud_lufs: float = Field(ge=-70.0, le=0.0)
    loudness_range_min_lu: float = Field(ge=0.0, le=50.0)
    loudness_range_max_lu: float = Field(ge=0.0, le=100.0)
    loudness_spread_lu: float = Field(ge=0.0, le=100.0)
    true_peak_dbtp: float = Field(ge=-60.0, le=20.0)
    clipped_runs_per_minute: float = Field(ge=0.0)
    clipped_percent: float = Field(ge=0.0, le=100.0)
    pile_up_ratio: float = Field(ge=1.0)
    dc_offset_dbfs: float = Field(ge=-120.0, le=0.0)
    low_frequency_dbfs: float = Field(ge=-120.0, le=0.0)
    silence_percent: float = Field(ge=0.0, le=100.0)
    silence_refuse_percent: float = Field(ge=0.0, le=100.0)
    noise_floor_dbfs: float = Field(ge=-120.0, le=0.0)
    snr_db: float = Field(ge=0.0, le=120.0)
    hum_db: float = Field(ge=0.0, le=120.0)
    clicks_per_minute: float = Field(ge=0.0)
    effective_bits: int = Field(ge=1, le=24)
    upsampled_drop_db: float = Field(ge=0.0, le=200.0)
    lossy_drop_db: float = Field(ge=0.0, le=200.0)
    bandwidth_share: float = Field(ge=0.0, le=1.0)
    inverted_correlation: float = Field(ge=-1.0, le=0.0)
    dual_mono_correlation: float = Field(ge=0.0, le=1.0)
    mono_loss_db: float = Field(ge=0.0, le=100.0)
    short_seconds: float = Field(ge=0.0, le=60.0)
    pitched_percent: float = Field(ge=0.0, le=100.0)
    unpitched_percent: float = Field(ge=0.0, le=100.0)
    polyphony: float = Field(ge=1.0, le=20.0)
    onsets_per_second: float = Field(ge=0.0, le=100.0)
    similar_error_rate: float = Field(ge=0.0, le=0.5)
    environment_ltas_db: float = Field(ge=0.0, le=100.0)
    environment_noise_db: float = Field(ge=0.0, le=100.0)
    environment_decay_ratio: float = Field(ge=1.0, le=100.0)
    variety_min: float = Field(ge=1.0, le=1000.0)
    variety_max: float = Field(ge=1.0, le=1000.0)
    ddsp_minutes: float = Field(ge=0.0)
    rave_minutes: float = Field(ge=0.0)
    lost_percent: float = Field(ge=0.0, le=100.0)
    faulty_percent: float = Field(ge=0.0, le=100.0)

    @model_validator(mode="after")
    def _ordered(self) -> Thresholds:
        if self.unpitched_percent > self.pitched_percent:
            raise ValueError(
                f"unpitched_percent ({self.unpitched_percent:g}) must not lie over pitched_percent "
                f"({self.pitched_percent:g})"
            )
        return self


class Audit(Section):
    """The audit."""

    fail_on: list[Literal["error", "never", CheckName]] = Field(min_length=1)
    thresholds: Thresholds

    @model_validator(mode="after")
    def _never_stands_alone(self) -> Audit:
        if "never" in self.fail_on and len(self.fail_on) > 1:
            others = ", ".join(name for name in self.fail_on if name != "never")
            raise ValueError(f"fail_on holds never and {others}; write [never], or [{others}]")
        return self


class Normalize(Section):
    """Levels."""

    mode: Literal["dataset", "group", "file", "none"]
    target_lufs: float = Field(ge=-40.0, le=-10.0)
    ceiling_dbtp: float = Field(ge=-12.0, le=0.0)
    max_gain_db: float = Field(ge=0.0, le=60.0)
    limiter_max_db: float = Field(ge=0.0, le=12.0)
    noise_floor_max_dbfs: float = Field(ge=-120.0, le=0.0)
    trim_silence: bool
    trim_padding_seconds: float = Field(ge=0.0, le=10.0)


class Slice(Section):
    """The cache and the split of the files."""

    seconds: float = Field(ge=0.1, le=10.0)
    validation_share: Share
    test_share: Share
    cross_check: Literal["none", "swift_f0"]
    shard_gb: float = Field(gt=0.0, le=1024.0)


class Features(Section):
    """Pitch and loudness per frame."""

    hop_samples: Literal[64, 128, 256, 512, 1024]
    window_samples: Literal[512, 1024, 2048, 4096]
    f0_method: Literal["yin", "mpm"]
    f0_min_hz: float = Field(ge=20.0, le=20000.0)
    f0_max_hz: float = Field(ge=20.0, le=20000.0)
    voiced_on: float = Field(ge=0.0, le=1.0)
    voiced_off: float = Field(ge=0.0, le=1.0)

    @model_validator(mode="after")
    def _ordered(self) -> Features:
        if self.f0_min_hz >= self.f0_max_hz:
            raise ValueError(f"f0_min_hz ({self.f0_min_hz:g}) must lie under f0_max_hz ({self.f0_max_hz:g})")
        if self.voiced_off > self.voiced_on:
            raise ValueError(f"voiced_off ({self.voiced_off:g}) must not lie over voiced_on ({self.voiced_on:g})")
        if self.window_samples < 2 * self.hop_samples:
            raise ValueError("window_samples must be at least twice hop_samples")
        return self


class Train(Section):
    """What is common to the training of every model."""

    validate_every_steps: Steps
    log_every_steps: Steps
    ema_decay: float = Field(ge=0.0, le=0.9999)
    gradient_clip: float = Field(gt=0.0)
    max_hours: float = Field(ge=0.0, le=10_000.0)
    init_from: str = Field(min_length=1)
    precision: Literal["fp32", "bf16"]
    compile: bool


class Neutone(Section):
    """What Neutone shows of the model, within the limits of its SDK, and whether that measures its speed."""

    name: str = Field(min_length=1, max_length=30)
    authors: list[Annotated[str, Field(min_length=1)]] = Field(min_length=1, max_length=5)
    short_description: str = Field(min_length=1, max_length=150)
    long_description: str = Field(min_length=1, max_length=500)
    technical_description: str = Field(max_length=500)
    tags: list[Annotated[str, Field(min_length=1, max_length=15)]] = Field(max_length=7)
    version: str = Field(min_length=1)
    experimental: bool
    benchmark: bool

    @model_validator(mode="after")
    def _each_once(self) -> Neutone:
        for key in ("authors", "tags"):
            names = getattr(self, key)
            twice = next((name for name in names if names.count(name) > 1), None)
            if twice is not None:
                raise ValueError(f"{key} holds {twice!r} more than once; write it once")
        return self


class Export(Section):
    """The files that are made for hosts, and the proof that each must pass."""

    targets: list[TargetName] = Field(min_length=1)
    precision: Literal["fp32", "int8"]
    int8_max_distance_db: float = Field(gt=0.0, le=20.0)
    check_blocks_samples: list[Annotated[int, Field(ge=1, le=65536)]] = Field(min_length=1)
    min_snr_db: float = Field(ge=60.0, le=140.0)
    fidelity: float = Field(gt=0.0, le=1.0)
    neutone: Neutone

    @model_validator(mode="after")
    def _with_torchscript(self) -> Export:
        if "torchscript" not in self.targets:
            raise ValueError("targets must hold torchscript: it is what evaluate plays")
        return self


class Evaluate(Section):
    """How the exported model is rendered and judged."""

    block_samples: int = Field(ge=1, le=65536)
    f0_tolerance_cents: float = Field(gt=0.0, le=600.0)
    page_seconds: float = Field(ge=1.0, le=120.0)


class DdspSize(Section):
    """A DDSP preset."""

    hidden: int = Field(ge=8, le=4096)
    layers: int = Field(ge=1, le=8)
    harmonics: int = Field(ge=1, le=512)
    noise_bands: int = Field(ge=9, le=513)
    reverb_seconds: float = Field(ge=0.0, le=10.0)
    loudness_skip: bool
    aligned: bool
    narrow_bands: int = Field(ge=32, le=1024, multiple_of=8)
    fft_seconds: float = Field(ge=0.01, le=1.0)
    steps: Steps
    batch: int = Field(ge=1, le=4096)
    crop_seconds: float = Field(ge=0.1, le=60.0)
    learning_rate: float = Field(gt=0.0, le=1.0)


class RaveSize(Section):
    """A RAVE preset."""

    blocks: Literal["v1", "v2"]
    capacity: int = Field(ge=1, le=1024)
    ratios: list[Ratio] = Field(min_length=1)
    dilations: list[list[Annotated[int, Field(ge=1, le=1024)]]] = Field(min_length=1)
    activation: Literal["leaky_relu", "snake"]
    noise: bool
    no_latency: bool
    pqmf_bands: Literal[2, 4, 8, 16, 32]
    pqmf_attenuation_db: float = Field(ge=30.0, le=120.0)
    latent_size: int = Field(ge=1, le=1024)
    regularisation: Literal["variational", "wasserstein", "spherical", "discrete"]
    regularisation_weight: float = Field(ge=0.0, le=1000.0)
    waveform_weight: float = Field(ge=0.0, le=1000.0)
    discriminators: list[Literal["scales", "periods", "stft"]]
    adversarial_share: float = Field(ge=0.0, le=0.95)
    discriminator_every: int = Field(ge=2, le=100)
    augmentations: list[Literal["phase", "gain", "mute", "compress", "pitch", "dequantise"]]
    steps: Steps
    batch: int = Field(ge=1, le=4096)
    crop_samples: int = Field(ge=64, le=10_000_000)
    learning_rate: float = Field(gt=0.0, le=1.0)

    @property
    def ratio(self) -> int:
        """Samples of audio to one latent frame."""
        return self.pqmf_bands * math.prod(self.ratios)

    @model_validator(mode="after")
    def _fits_together(self) -> RaveSize:
        if len(self.dilations) != len(self.ratios):
            raise ValueError(
                f"dilations holds {len(self.dilations)} lists for {len(self.ratios)} ratios; write one list for each"
            )
        if self.crop_samples % self.ratio:
            # What is proposed is whole frames of any cache too.
            unit = math.lcm(self.ratio, *get_args(Features.model_fields["hop_samples"].annotation))
            raise ValueError(
                f"crop_samples ({self.crop_samples}) is no multiple of the total ratio {self.ratio} "
                f"(pqmf_bands x ratios); write {_nearest_multiple(self.crop_samples, unit)}"
            )
        if self.adversarial_share > 0.0 and not self.discriminators:
            raise ValueError(
                "adversarial_share is over 0 but discriminators is empty; write some of scales, periods, stft, "
                "or a share of 0"
            )
        if self.noise and math.prod(self.ratios) < 2:
            raise ValueError("noise needs ratios whose product is at least 2; write noise: false, or other ratios")
        return self


class Size(Section):
    """The presets of one size, one for each model."""

    ddsp: DdspSize
    rave: RaveSize


class LowLatency(Section):
    """The presets of the size made for a short delay."""

    rave: RaveSize


class Fast(Section):
    """The presets of the size made for tests."""

    ddsp: DdspSize


class Sizes(Section):
    """All presets."""

    tiny: Size
    small: Size
    default: Size
    large: Size
    low_latency: LowLatency
    fast: Fast


class Params(Section):
    """The whole of params.yaml."""

    model: ModelName
    size: SizeName
    synth: SynthName
    seed: int = Field(ge=0)
    demo: Demo
    data: Data
    audit: Audit
    normalize: Normalize
    slice: Slice
    features: Features
    train: Train
    export: Export
    evaluate: Evaluate
    sizes: Sizes

    @model_validator(mode="after")
    def _fits_together(self) -> Params:
        if self.model not in (presets := type(getattr(self.sizes, self.size)).model_fields):
            only = next(iter(presets))
            raise ValueError(f"size: {self.size} is a preset of {only} only; write `model: {only}`, or another size")
        if self.model == "ddsp" and self.data.channels != 1:
            raise ValueError("data.channels: ddsp is mono; write 1, or `model: rave`")
        if self.model == "rave" and self.preset.crop_samples % self.features.hop_samples:
            unit = math.lcm(self.preset.ratio, self.features.hop_samples)
            raise ValueError(
                f"sizes.{self.size}.rave.crop_samples: {self.preset.crop_samples} is no multiple of "
                f"features.hop_samples ({self.features.hop_samples}), in which the cache is laid out; "
                f"write {_nearest_multiple(self.preset.crop_samples, unit)}"
            )
        lowest = 2 * self.data.sample_rate / self.features.window_samples
        if self.features.f0_min_hz < lowest:
            raise ValueError(
                f"features.f0_min_hz: {self.features.f0_min_hz:g} Hz does not fit a window of "
                f"{self.features.window_samples} samples at {self.data.sample_rate} Hz; "
                f"write {lowest:g} or more, or a longer window_samples"
            )
        if self.features.f0_max_hz > self.data.sample_rate / 4:
            raise ValueError(
                f"features.f0_max_hz: {self.features.f0_max_hz:g} Hz is over a quarter of data.sample_rate; "
                f"write {self.data.sample_rate / 4:g} or less"
            )
        return self

    @property
    def preset(self) -> DdspSize | RaveSize:
        """The preset of the chosen size and model."""
        return getattr(getattr(self.sizes, self.size), self.model)


def load(path: Path = Path("params.yaml")) -> Params:
    """Read and check params.yaml.

    Raises: UserError with one line for each fault: the key, its value, what is legal, and the nearest legal spelling.
    """
    try:
        text = Path(path).read_text(encoding="utf-8")
    except FileNotFoundError:
        raise UserError(f"{path}: no such file. Run this from the folder that holds params.yaml.") from None
    try:
        raw = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise UserError(f"{path} is not valid YAML: {' '.join(str(error).split())}") from None
    return parse(raw, str(path))


def parse(raw: Any, name: str = "params.yaml") -> Params:
    """Check what was read from a params.yaml called `name`; raises UserError as `load` does."""
    if not isinstance(raw, dict):
        raise UserError(f"{name}: expected keys and values, found {raw!r}.")
    try:
        return Params.model_validate(raw)
    except ValidationError as error:
        raise UserError("\n       ".join(f"{name}: {_line(fault, raw)}" for fault in error.errors())) from None


def _line(fault: dict[str, Any], raw: dict) -> str:
    """One line for one of pydantic's faults."""
    place = [part for part in fault["loc"] if part != "after"]
    key = ".".join(str(part) for part in place)
    value, kind, context = fault["input"], fault["type"], fault.get("ctx", {})
    if kind == "extra_forbidden":
        return f"{key}: unknown key. {_known(_section_at(place[:-1]), str(place[-1]))}"
    if kind == "missing":
        return f"{key}: missing. {_known_unused(raw, place)}".rstrip()
    if kind == "literal_error":
        legal = context["expected"].replace("'", "").replace(" or ", ", ")
        return f"{key}: {value!r} is not legal. Legal: {legal}.{_nearest(str(value), legal.split(', '))}"
    if kind == "string_too_long":
        return f"{key}: {len(value)} characters; at most {context['max_length']} are legal. It begins {value[:20]!r}."
    if kind == "too_long":
        return f"{key}: {len(value)} entries; at most {context['max_length']} are legal."
    if kind == "list_type":
        return f"{key}: {value!r} is not legal: a list is wanted. Write [{value}]."
    if kind == "value_error":
        return f"{key}: {context['error']}." if key else f"{context['error']}."
    return f"{key}: {value!r} is not legal. {fault['msg']}."


def _section_at(place: list) -> list[str]:
    section: Any = Params
    for part in place:
        section = section.model_fields[part].annotation
    return list(section.model_fields)


def _known(names: list[str], wrong: str) -> str:
    return f"Known here: {', '.join(names)}.{_nearest(wrong, names)}"


def _known_unused(raw: dict, place: list) -> str:
    """A hint where a missing key stands beside a misspelt one."""
    section: Any = raw
    for part in place[:-1]:
        section = section.get(part, {}) if isinstance(section, dict) else {}
    unknown = [name for name in section if name not in _section_at(place[:-1])] if isinstance(section, dict) else []
    near = difflib.get_close_matches(str(place[-1]), [str(name) for name in unknown], n=1)
    return f"Is `{near[0]}` meant to be it?" if near else ""


def _nearest_multiple(value: int, unit: int) -> int:
    return max(1, round(value / unit)) * unit


def _nearest(wrong: str, names: list[str]) -> str:
    near = difflib.get_close_matches(wrong, names, n=1, cutoff=0.5)
    return f" Did you mean `{near[0]}`?" if near else ""


def main() -> None:
    """Print the checked parameters, with only the chosen preset in place of all of them."""
    if sys.argv[1:]:
        print("usage: python -m timbre.params\n\nCheck params.yaml and print it with the chosen preset.")
        return
    params = load()
    resolved = params.model_dump(exclude={"sizes"}) | {"preset": params.preset.model_dump()}
    print(yaml.safe_dump(resolved, sort_keys=False, default_flow_style=None, width=120), end="")


MODEL_NAMES: tuple[str, ...] = get_args(ModelName)
SYNTH_NAMES: tuple[str, ...] = get_args(SynthName)
CHECK_NAMES: tuple[str, ...] = get_args(CheckName)
SIZE_NAMES: tuple[str, ...] = get_args(SizeName)

if __name__ == "__main__":
    stage_main(main)
