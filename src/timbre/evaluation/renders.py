"""What the model makes of a stored sound, stored again."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from itertools import chain
from pathlib import Path

import numpy as np

from timbre.audio.io import UnreadableError
from timbre.evaluation.items import Item, item_blocks
from timbre.evaluation.scratch import Stored
from timbre.playing.player import Player
from timbre.playing.render import play, render, turn

# Draws of the noise, where a model draws any.
DRAWS = 3
# Silence that a stream begins with, for each further draw: noise depends on nothing but the sample's place in it.
DRAW_SAMPLES = 16384
# What nobody listens to is played in long blocks, which is many times quicker and gives the same sound.
LONG_BLOCK_SAMPLES = 8192
# Level of the difference, against the sound, from which two draws are not the same.
DIFFERENT_DB = -60.0


class Renderer:
    """Plays a model; what it stores lies below `folder` until `close`."""

    def __init__(self, player: Player, folder: Path, block_samples: int, on_samples: Callable[[int], object]) -> None:
        self.player, self.folder, self.block_samples, self.on_samples = player, folder, block_samples, on_samples
        self.draws = DRAWS if draws_noise(player) else 1
        self._open = ExitStack()

    def read(self, item: Item) -> Stored:
        """An item's sound, at the model's rate and in its channels. Raises: UnreadableError as `item_blocks` does."""
        rate = self.player.sample_rate_hz
        sound = self._store(item_blocks(item, rate, self.player.channels))
        if sound.samples == 0:
            raise UnreadableError(f"is too short: at {rate} Hz no sample is left of it")
        return sound

    def rendered(self, sound: Stored, controls: dict[str, float], draw: int = 0, heard: bool = True) -> Stored:
        """What the model makes of a sound, aligned with it. draw: which noise. heard: in the blocks of a host.

        Raises: UserError where that is not numbers.
        """
        turn(self.player, controls)
        silent = -(-draw * DRAW_SAMPLES // self.player.block_samples) * self.player.block_samples
        before = np.zeros((self.player.channels, silent), np.float32)
        block = self.block_samples if heard else max(self.block_samples, LONG_BLOCK_SAMPLES)
        played = play(self.player, chain([before], sound.blocks()), block, self.on_samples)
        return self._store(_without(played, silent))

    def close(self) -> None:
        """Forget all that is stored."""
        self._open.close()

    def _store(self, source: Iterable[np.ndarray]) -> Stored:
        stored = Stored(self.folder, source, self.player.channels)
        self._open.callback(stored.close)
        return stored


def draws_noise(player: Player) -> bool:
    """Whether what a model plays to a second of sound depends on when in its stream that comes."""
    rate = player.sample_rate_hz
    seconds = np.arange(rate) / rate
    sound = 0.1 * sum(np.sin(2 * np.pi * 220.0 * n * seconds) / n for n in range(1, 9))
    sound = sound + 0.02 * np.random.default_rng(0).standard_normal(rate)
    audio = np.tile(sound.astype(np.float32), (player.channels, 1))
    silent = -(-DRAW_SAMPLES // player.block_samples) * player.block_samples
    first = render(player, audio, LONG_BLOCK_SAMPLES)
    second = render(player, np.pad(audio, ((0, 0), (silent, 0))), LONG_BLOCK_SAMPLES)[:, silent:]
    power, error = (float(np.square(x, dtype=np.float64).sum()) for x in (first, second - first))
    return error > power * 10.0 ** (DIFFERENT_DB / 10.0)


def _without(source: Iterable[np.ndarray], samples: int) -> Iterator[np.ndarray]:
    """A stream without its first samples."""
    for piece in source:
        yield piece[:, samples:]
        samples = max(0, samples - piece.shape[1])
