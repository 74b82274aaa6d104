"""The runner in docs/."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import soundfile

from timbre.export.proof import offline
from timbre.models.control import default_settings

RUNNER = Path(__file__).parents[3] / "docs/run_onnx.py"


def test_thirty_lines_play_a_file(made, song, snr_db, tmp_path):
    assert len(RUNNER.read_text().splitlines()) <= 30
    network, _, told = made("ddsp")
    audio = song(network)[:, :-77]
    soundfile.write(tmp_path / "in.wav", audio.T, network.sample_rate, subtype="FLOAT")
    for turned in ({}, {"pitch_shift_semitones": 7.0}):
        command = [sys.executable, str(RUNNER), str(told["path"]), str(tmp_path / "in.wav"), str(tmp_path / "out.wav")]
        subprocess.run([*command, *(f"{name}={value}" for name, value in turned.items())], check=True)
        played, rate_hz = soundfile.read(tmp_path / "out.wav", dtype=np.float32)
        settings = default_settings(network.controls)
        for name, value in turned.items():
            settings[[control.name for control in network.controls].index(name)] = value
        assert rate_hz == network.sample_rate
        assert snr_db(offline(network, audio, settings)[0], played) > 100
