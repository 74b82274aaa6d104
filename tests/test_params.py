"""params.yaml and what it says to who gets it wrong."""

import copy
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from timbre.errors import UserError
from timbre.params import MODEL_NAMES, SIZE_NAMES, SYNTH_NAMES, load, parse

ROOT = Path(__file__).resolve().parents[1]


def put(raw: dict, path: str, value) -> None:
    *folders, key = path.split(".")
    for folder in folders:
        raw = raw[folder]
    raw[key] = value


def fault(raw: dict) -> str:
    with pytest.raises(UserError) as error:
        parse(raw)
    return str(error.value)


def test_the_committed_file_is_sound():
    params = load(ROOT / "params.yaml")
    assert params.preset is getattr(getattr(params.sizes, params.size), params.model)


@pytest.mark.parametrize("size", SIZE_NAMES)
def test_every_size_has_its_preset(raw_params, size):
    for model in raw_params["sizes"][size]:
        assert (
            parse(raw_params | {"size": size, "model": model}).preset.model_dump() == raw_params["sizes"][size][model]
        )


@pytest.mark.parametrize(
    ("path", "value", "told"),
    (
        ("sise", "tiny", ("sise: unknown key", "Known here: model, size, synth, seed", "Did you mean `size`?")),
        ("train.gradient_clp", 1.0, ("train.gradient_clp: unknown key", "Did you mean `gradient_clip`?")),
        ("sizes.tiny.ddsp.hiden", 8, ("sizes.tiny.ddsp.hiden: unknown key", "harmonics", "Did you mean `hidden`?")),
        ("size", "tinny", ("size: 'tinny' is not legal", "tiny, small, default, large", "Did you mean `tiny`?")),
        ("model", "dsp", ("model: 'dsp' is not legal", "Legal: ddsp, rave", "Did you mean `ddsp`?")),
        ("synth", "noise_band", ("synth: 'noise_band'", "Legal: harmonic_noise, noise_bands", "mean `noise_bands`?")),
        ("sizes.tiny.ddsp.narrow_bands", 100, ("sizes.tiny.ddsp.narrow_bands: 100 is not legal", "multiple of 8")),
        ("normalize.mode", "files", ("normalize.mode: 'files'", "dataset, group, file, none", "Did you mean `file`?")),
        ("data.sample_rate", 48001, ("data.sample_rate: 48001", "16000, 22050, 24000, 32000, 44100, 48000")),
        ("features.hop_samples", 100, ("features.hop_samples: 100", "64, 128, 256, 512, 1024")),
        ("seed", -1, ("seed: -1 is not legal", "greater than or equal to 0")),
        ("seed", 1.5, ("seed: 1.5 is not legal", "integer")),
        ("seed", "one", ("seed: 'one' is not legal", "integer")),
        ("seed", True, ("seed: True is not legal", "integer")),
        ("slice.test_share", 0.9, ("slice.test_share: 0.9 is not legal", "less than or equal to 0.5")),
        ("slice.seconds", float("nan"), ("slice.seconds: nan is not legal", "finite")),
        ("export.check_blocks_samples", [], ("export.check_blocks_samples: [] is not legal", "at least 1")),
        ("export.check_blocks_samples", [64, 0], ("export.check_blocks_samples.1: 0 is not legal",)),
        ("export.neutone.name", "n" * 31, ("export.neutone.name: 31 characters; at most 30 are legal", "nnn")),
        ("export.neutone.name", "", ("export.neutone.name: '' is not legal", "at least 1 character")),
        ("export.neutone.authors", list("abcdef"), ("export.neutone.authors: 6 entries; at most 5 are legal",)),
        ("export.neutone.authors", ["a", "a"], ("export.neutone: authors holds 'a' more than once",)),
        ("export.neutone.short_description", "s" * 151, ("short_description: 151 characters; at most 150",)),
        ("export.neutone.long_description", "l" * 501, ("long_description: 501 characters; at most 500",)),
        ("export.neutone.technical_description", "t" * 501, ("technical_description: 501 characters; at most 500",)),
        ("export.neutone.tags", list("abcdefgh"), ("export.neutone.tags: 8 entries; at most 7 are legal",)),
        ("export.neutone.tags", ["timbre transfer!"], ("export.neutone.tags.0: 16 characters; at most 15 are legal",)),
        ("export.neutone.version", 1.0, ("export.neutone.version: 1.0 is not legal", "valid string")),
        ("train", None, ("train: None is not legal",)),
        ("features.f0_min_hz", 2500.0, ("features: f0_min_hz (2500) must lie under f0_max_hz (2000)",)),
        ("features.voiced_off", 0.9, ("features: voiced_off (0.9) must not lie over voiced_on (0.8)",)),
        (
            "audit.thresholds.unpitched_percent",
            80.0,
            ("audit.thresholds: unpitched_percent (80) must not lie over pitched_percent (70)",),
        ),
        ("features.hop_samples", 1024, ("features: window_samples must be at least twice hop_samples",)),
        ("features.f0_min_hz", 25.0, ("features.f0_min_hz: 25 Hz does not fit a window of 1024", "31.25 or more")),
        ("features.f0_max_hz", 5000.0, ("features.f0_max_hz: 5000 Hz is over a quarter", "write 4000 or less")),
        ("size", "low_latency", ("size: low_latency is a preset of rave only", "write `model: rave`")),
        ("data.channels", 2, ("data.channels: ddsp is mono; write 1",)),
        ("data.channels", 3, ("data.channels: 3 is not legal. Legal: 1, 2",)),
        ("sizes.tiny.rave.ratios", [3, 2], ("sizes.tiny.rave.ratios.0: 3 is not legal. Legal: 1, 2, 4, 8, 16",)),
        ("sizes.tiny.rave.ratios", [4], ("sizes.tiny.rave: dilations holds 2 lists for 1 ratios",)),
        (
            "sizes.tiny.rave.crop_samples",
            4100,
            ("crop_samples (4100) is no multiple of the total ratio 128", "write 4096"),
        ),
        ("sizes.tiny.rave.discriminators", [], ("adversarial_share is over 0 but discriminators is empty",)),
        ("sizes.tiny.rave.discriminators", ["scale"], ("'scale' is not legal", "Did you mean `scales`?")),
        ("sizes.tiny.rave.regularisation", "wae", ("Legal: variational, wasserstein, spherical, discrete",)),
    ),
)
def test_a_fault_is_one_line_that_says_what_to_write(raw_params, path, value, told):
    put(raw_params, path, value)
    line = fault(raw_params)
    assert line.startswith("params.yaml: ")
    assert "\n" not in line
    for part in told:
        assert part in line


@pytest.mark.parametrize("path", ("seed", "train.ema_decay", "sizes.large.rave.ratios", "evaluate"))
def test_a_missing_key_is_told(raw_params, path):
    *folders, key = path.split(".")
    section = raw_params
    for folder in folders:
        section = section[folder]
    del section[key]
    assert fault(raw_params) == f"params.yaml: {path}: missing."


def test_the_preset_of_the_tests_is_of_ddsp_only(raw_params):
    line = fault(raw_params | {"model": "rave", "size": "fast"})
    assert "size: fast is a preset of ddsp only; write `model: ddsp`, or another size" in line


def test_a_crop_of_rave_is_whole_frames_of_the_cache(raw_params):
    raw_params |= {"model": "rave"}
    raw_params["features"] |= {"hop_samples": 512}
    raw_params["sizes"]["tiny"]["rave"] |= {"crop_samples": 128 * 31}
    line = fault(raw_params)
    assert "sizes.tiny.rave.crop_samples: 3968 is no multiple of features.hop_samples (512)" in line
    assert line.endswith("; write 4096.")


def test_a_preset_that_is_not_chosen_must_be_sound_too(raw_params):
    raw_params["sizes"]["small"]["rave"] |= {"crop_samples": 1000}
    assert "sizes.small.rave: crop_samples (1000) is no multiple of the total ratio" in fault(raw_params)


def test_noise_needs_something_to_stride_over(raw_params):
    raw_params["sizes"]["tiny"]["rave"] |= {"noise": True, "ratios": [1, 1], "pqmf_bands": 16}
    assert "noise needs ratios whose product is at least 2" in fault(raw_params)


def test_a_misspelt_key_is_told_from_both_sides(raw_params):
    raw_params["slice"]["second"] = raw_params["slice"].pop("seconds")
    lines = fault(raw_params).split("\n       ")
    assert len(lines) == 2
    assert "params.yaml: slice.seconds: missing. Is `second` meant to be it?" in lines


@pytest.mark.parametrize("raw", (None, [], "text", 3))
def test_a_file_that_holds_no_keys_is_told(raw):
    with pytest.raises(UserError, match="expected keys and values"):
        parse(raw)


def test_what_is_no_yaml_is_told_in_one_line(tmp_path):
    (tmp_path / "params.yaml").write_text("model: [ddsp\nsize: tiny\n")
    with pytest.raises(UserError, match=r"params\.yaml is not valid YAML: ") as error:
        load(tmp_path / "params.yaml")
    assert "\n" not in str(error.value)


BOMB = "k0: &k0 [x]\n" + "".join(f"k{n}: &k{n} [{', '.join([f'*k{n - 1}'] * 9)}]\n" for n in range(1, 40))


@pytest.mark.parametrize(
    ("content", "told"),
    (
        (b"model: \xff", "line 1 is not UTF-8 text"),
        (b"model: ddsp\nsize: caf\xe9\n", "line 2 is not UTF-8 text"),
        (b"seed: 2026-13-45", "not valid YAML: month must be in"),
        (b"seed: " + b"9" * 5000, "not valid YAML: Exceeds the limit"),
        (b"seed: 0x" + b"f" * 9000, "seed: a number of a thousand digits or more"),
        (b"? 0x" + b"f" * 9000 + b"\n: 1", "a number of a thousand digits or more is not legal. Keys"),
        (b"x: " + b"[" * 600, "not valid YAML: maximum recursion depth"),
        (b"x: !!bool y", "not valid YAML"),
        (b"x: !!python/object/apply:os.system [touch y]", "not valid YAML: could not determine a constructor"),
        (BOMB.encode(), "k1: unknown key"),
        (b"size: [" + b"x" * 10**6 + b"]", "size: ['xxx"),
    ),
    ids=lambda each: each[:20] if isinstance(each, str) else None,
)
def test_what_only_a_program_would_write_is_told_too(tmp_path, content, told):
    path = tmp_path / "params.yaml"
    path.write_bytes(content)
    with pytest.raises(UserError, match=rf"(?s)params\.yaml.*{re.escape(told)}") as error:
        load(path)
    assert len(str(error.value)) < 20_000


def test_a_folder_in_its_place_is_told(tmp_path):
    with pytest.raises(UserError, match=r"cannot be read"):
        load(tmp_path)


def test_a_missing_file_is_told(tmp_path):
    with pytest.raises(UserError, match=r"no such file\. Run this from the folder that holds params\.yaml"):
        load(tmp_path / "params.yaml")


def test_every_key_says_what_it_is():
    bare = []
    for number, line in enumerate((ROOT / "params.yaml").read_text().splitlines(), start=1):
        content = line.split("#")[0].rstrip()
        opens_section = content.endswith(":")
        is_preset = re.match(r" +(ddsp: |rave: )?\{| {7}\w+: ", content)
        if content and "#" not in line and not opens_section and not is_preset:
            bare.append(f"{number}: {line}")
    assert bare == []


def test_every_choice_in_a_comment_is_what_the_schema_takes(raw_params):
    for line in (ROOT / "params.yaml").read_text().splitlines():
        if " | " in line:
            choices = re.findall(r"[a-z0-9_]+(?= \| )|(?<= \| )[a-z0-9_]+", line)
            key = line.split(":")[0].strip()
            names = {"model": MODEL_NAMES, "synth": SYNTH_NAMES, "size": SIZE_NAMES}
            if key in names:
                assert tuple(dict.fromkeys(choices)) == names[key]


def command(folder: Path, *arguments: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, "-m", "timbre.params", *arguments], capture_output=True, text=True, cwd=folder,
        env=os.environ | {"PYTHONPATH": str(ROOT / "src")},
    )  # fmt: skip


def test_the_command_prints_what_the_choice_comes_to(raw_params, tmp_path):
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(raw_params))
    ended = command(tmp_path)
    assert (ended.returncode, ended.stderr) == (0, "")
    printed = yaml.safe_load(ended.stdout)
    assert printed.pop("preset") == raw_params["sizes"]["tiny"]["ddsp"]
    assert printed == {key: value for key, value in raw_params.items() if key != "sizes"}


def test_the_command_ends_with_1_and_a_line(raw_params, tmp_path):
    raw_params["size"] = "medium"
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(raw_params))
    ended = command(tmp_path)
    assert (ended.returncode, ended.stdout, ended.stderr.count("\n")) == (1, "", 1)
    assert ended.stderr.startswith(
        "error: params.yaml: size: 'medium' is not legal. Legal: tiny, small, default, large, low_latency, fast."
    )


def places(raw: dict, before: str = "") -> list[str]:
    found = []
    for key, value in raw.items():
        found.append(before + key)
        if isinstance(value, dict):
            found += places(value, f"{before}{key}.")
    return found


@pytest.mark.parametrize("value", (None, [], [[]], {}, {"a": {"b": 1}}, {1: 2}, "x", -1, 10**30, float("inf"), b"x"))
def test_nothing_that_can_be_written_ends_in_a_traceback(raw_params, value):
    for path in places(raw_params):
        changed = copy.deepcopy(raw_params)
        put(changed, path, value)
        try:
            parse(changed)
        except UserError as error:
            # The rules that concern several keys name their section at least.
            assert path in str(error) or path.split(".")[0] in str(error)
