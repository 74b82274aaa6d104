"""Networks that learn to tell recordings from what the decoder makes of them."""

from __future__ import annotations

import itertools

import torch
from torch import Tensor, nn
from torch.nn.utils.parametrizations import weight_norm

SCALES = 3
PERIODS = (2, 3, 5, 7, 11)
FFT_SIZES = (2048, 1024, 512)
# Edges of the bands of the STFT's nets, as shares of half the sample rate.
BAND_EDGES = (0.0, 0.1, 0.25, 0.5, 0.75, 1.0)
BAND_CHANNELS = 32
SLOPE = 0.2


class Discriminators(nn.Module):
    """Several nets, each with an opinion of its own on every stretch of a sound.

    names: "scales" (Kumar et al. 2019, MelGAN: the sound at full, half and quarter rate), "periods" (Kong et al. 2020,
    HiFi-GAN: every 2nd, 3rd, 5th, 7th and 11th sample), "stft" (Kumar et al. 2023, Descript's codec: complex spectra,
    each band with a net of its own). channels: of the audio; capacity: channels of the first layer of a net on the
    waveform. There are 7.75 million parameters in scales at capacity 64.
    """

    def __init__(self, names: list[str], channels: int, capacity: int) -> None:
        super().__init__()
        nets: list[nn.Module] = []
        for name in names:
            if name == "scales":
                nets += [ScaleNet(2**octave, channels, capacity) for octave in range(SCALES)]
            elif name == "periods":
                nets += [PeriodNet(period, channels, capacity) for period in PERIODS]
            else:
                nets += [StftNet(fft_size, channels) for fft_size in FFT_SIZES]
        self.nets = nn.ModuleList(nets)

    def forward(self, audio: Tensor) -> list[list[Tensor]]:
        """For each net what its layers put out, before their activation; the last is the score, high for recordings.

        audio: [batch, channels, samples], at least 4 samples, so that the quarter rate has one; a net pads what it
        needs beyond. Features: [batch, or batch times period, channels, ...].
        """
        return [net(audio) for net in self.nets]

    def both(self, real: Tensor, fake: Tensor) -> tuple[list[list[Tensor]], list[list[Tensor]]]:
        """Features of recordings and of the decoder's sounds, [batch, channels, samples] each.

        One after the other: side by side in one batch they cost the same where the discriminators learn, and a third
        more where these rest (`requires_grad_(False)`), since then recordings need no graph.
        """
        return self(real), self(fake)


class ConvNet(nn.Module):
    """Four convolutions of stride 4, each with twice the channels of that before, and the score."""

    def __init__(self, channels: int, capacity: int, kernel: int) -> None:
        super().__init__()
        widths = [channels, *(capacity * 2**layer for layer in range(4))]
        layers = [nn.Conv1d(a, b, kernel, stride=4, padding=kernel // 2) for a, b in itertools.pairwise(widths)]
        self.layers = nn.ModuleList(weight_norm(layer) for layer in [*layers, nn.Conv1d(widths[-1], 1, 1)])

    def forward(self, audio: Tensor) -> list[Tensor]:
        features = [self.layers[0](audio)]
        for layer in self.layers[1:]:
            features.append(layer(nn.functional.leaky_relu(features[-1], SLOPE)))
        return features


class ScaleNet(nn.Module):
    """A net on the sound at a fraction of its rate."""

    def __init__(self, factor: int, channels: int, capacity: int) -> None:
        super().__init__()
        self.factor = factor
        self.net = ConvNet(channels, capacity, kernel=15)

    def forward(self, audio: Tensor) -> list[Tensor]:
        return self.net(nn.functional.avg_pool1d(audio, self.factor) if self.factor > 1 else audio)


class PeriodNet(nn.Module):
    """A net on every `period`-th sample.

    Folded to [samples / period, period] as in the paper, a kernel never reaches from one column to the next. So the
    columns are items of the batch here.
    """

    def __init__(self, period: int, channels: int, capacity: int) -> None:
        super().__init__()
        self.period = period
        self.net = ConvNet(channels, capacity, kernel=5)

    def forward(self, audio: Tensor) -> list[Tensor]:
        batch, channels, samples = audio.shape
        padded = nn.functional.pad(audio, [0, -samples % self.period])
        columns = padded.reshape(batch, channels, -1, self.period).permute(0, 3, 1, 2)
        return self.net(columns.reshape(batch * self.period, channels, -1))


class StftNet(nn.Module):
    """Nets on the bands of a complex STFT, five convolutions each, and one score for all.

    Spectra are divided by the root of their size, which brings the first layer about what the waveform's nets get.
    Unlike Descript's, the sound's peak is not: level is part of what is judged.
    """

    def __init__(self, fft_size: int, channels: int) -> None:
        super().__init__()
        self.fft_size = fft_size
        self.register_buffer("window", torch.hann_window(fft_size), persistent=False)
        bins = fft_size // 2 + 1
        edges = [round(edge * bins) for edge in BAND_EDGES]
        self.bands = list(itertools.pairwise(edges))
        self.nets = nn.ModuleList(_band_layers(2 * channels) for _ in self.bands)
        self.score = weight_norm(nn.Conv2d(BAND_CHANNELS, 1, 3, padding=1))

    def forward(self, audio: Tensor) -> list[Tensor]:
        batch, channels, samples = audio.shape
        spectrum = torch.stft(
            audio.reshape(batch * channels, samples),
            self.fft_size,
            self.fft_size // 4,
            window=self.window,
            pad_mode="constant",
            normalized=True,
            return_complex=True,
        )
        # Real and imaginary parts of each channel: [batch, 2 channels, frames, bins].
        parts = torch.view_as_real(spectrum).reshape(batch, channels, *spectrum.shape[1:], 2)
        image = parts.permute(0, 1, 4, 3, 2).flatten(1, 2)
        features, ends = [], []
        for (low, high), layers in zip(self.bands, self.nets, strict=True):
            x = image[..., low:high]
            for layer in layers:
                feature = layer(x)
                features.append(feature)
                x = nn.functional.leaky_relu(feature, SLOPE)
            ends.append(x)
        return [*features, self.score(torch.cat(ends, dim=-1))]


def _band_layers(channels: int) -> nn.ModuleList:
    wide = [nn.Conv2d(channels, BAND_CHANNELS, (3, 9), padding=(1, 4))]
    wide += [nn.Conv2d(BAND_CHANNELS, BAND_CHANNELS, (3, 9), stride=(1, 2), padding=(1, 4)) for _ in range(3)]
    return nn.ModuleList(weight_norm(layer) for layer in [*wide, nn.Conv2d(BAND_CHANNELS, BAND_CHANNELS, 3, padding=1)])
