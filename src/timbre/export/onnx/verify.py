"""Judge model.onnx as a host meets it: `python -m timbre.export.onnx.verify FILE REFERENCE`.

A process of its own that knows nothing but onnxruntime and the file. REFERENCE (npz) holds an input `audio` [channels,
samples], what the network makes of it `offline` and what the effect in model.ts makes of it `streamed`, its `short`
beginning, the controls `turned` and what model.ts makes of the beginning with them, and the tail of the network. Prints
the findings as JSON.
"""

from __future__ import annotations

import json
import sys

import numpy as np
import onnxruntime

from timbre.export.verify import level_dbfs, measured_delay, snr_db

TYPES = {"tensor(float)": np.float32, "tensor(double)": np.float64, "tensor(int64)": np.int64, "tensor(bool)": np.bool_}


class Host:
    """A file as a host holds it: its description, its controls, its state."""

    def __init__(self, path: str) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.add_session_config_entry("session.set_denormal_as_zero", "1")
        self.session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        self.told = json.loads(self.session.get_modelmeta().custom_metadata_map["timbre"])
        self.hop, self.delay = self.told["block_samples"], self.told["delay_samples"]
        self.controls = np.array([control["default"] for control in self.told["controls"]], dtype=np.float32)
        self.names = [output.name for output in self.session.get_outputs()]
        self.start()

    def start(self) -> None:
        """Begin anew."""
        self.state = {
            value.name: np.zeros(value.shape, TYPES[value.type])
            for value in self.session.get_inputs()
            if value.name.startswith("state_")
        }

    def play(self, audio: np.ndarray) -> np.ndarray:
        """What comes out for the whole hops of audio [channels, samples], from here on."""
        pieces = []
        for start in range(0, audio.shape[1] // self.hop * self.hop, self.hop):
            given = {"audio": audio[None, :, start : start + self.hop], "controls": self.controls, **self.state}
            made = dict(zip(self.names, self.session.run(None, given), strict=True))
            self.state = {name: made[f"next_{name}"] for name in self.state}
            pieces.append(made["audio_out"][0])
        return np.concatenate(pieces, axis=1)

    def play_anew(self, audio: np.ndarray) -> np.ndarray:
        """The same from the beginning."""
        self.start()
        return self.play(audio)


def examine(path: str, reference: dict) -> dict:
    """All findings about a file."""
    host = Host(path)
    audio, offline, streamed = (reference[name] for name in ("audio", "offline", "streamed"))
    rate, channels, tail = host.told["sample_rate_hz"], len(audio), int(reference["tail"])
    short = reference["short"]
    first = host.play(np.pad(audio, ((0, 0), (0, host.delay + host.hop))))
    again = host.play_anew(short)
    host.controls, defaults = reference["turned"], host.controls
    turned = host.play_anew(short)
    host.controls = defaults
    silence = np.zeros((channels, rate + rate // 4 + tail), dtype=np.float32)
    fresh_silence = host.play_anew(silence[:, : rate // 2])
    host.play(short)
    after_sound = host.play(silence)
    draw = np.random.default_rng(1)
    extremes = {
        "full-scale noise": draw.uniform(-1.0, 1.0, short.shape).astype(np.float32),
        "direct current": np.ones_like(short),
        "not-a-number samples": np.full_like(short, np.nan),
        "infinite samples": np.full_like(short, np.inf),
    }
    peaks = {name: float(np.abs(host.play_anew(signal)).max()) for name, signal in extremes.items()}
    recovered = host.play_anew(short)
    samples = offline.shape[1]
    return {
        "offline_snr_db": snr_db(offline, first[:, host.delay : host.delay + samples]),
        "stream_snr_db": snr_db(streamed, first[:, : streamed.shape[1]]),
        "turned_snr_db": snr_db(reference["turned_streamed"], turned),
        "zeros_begin_anew": all(np.array_equal(first[:, : again.shape[1]], other) for other in (again, recovered)),
        "delay_samples": measured_delay(offline, first, 4 * host.delay + 4096),
        "fresh_silence_dbfs": level_dbfs(fresh_silence),
        "silence_after_sound_dbfs": level_dbfs(after_sound[:, rate + tail :]),
        "peaks": {name: value if np.isfinite(value) else None for name, value in peaks.items()},
    }


def main() -> None:
    """Examine FILE."""
    print(json.dumps(examine(sys.argv[1], dict(np.load(sys.argv[2])))))


if __name__ == "__main__":
    main()
