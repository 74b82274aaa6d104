"""Playing whole sounds as a host does: block by block, the delay taken out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

import numpy as np

from timbre.errors import UserError
from timbre.playing.player import Player, host_block


def render(
    player: Player,
    audio: np.ndarray,
    block_samples: int,
    on_samples: Callable[[int], object] | None = None,
    controls: dict[str, float] | None = None,
) -> np.ndarray:
    """Play audio [channels, samples] from a fresh state and take the reported delay out.

    channels: the model's. block_samples: samples a call, brought up to a legal size. on_samples: told how many samples
    of the input each call has used up. controls: values by name; those not named have their defaults.
    Returns: [channels, samples] float32, sample i belonging to input sample i.
    Raises: UserError as `play` does.
    """
    turn(player, controls or {})
    played = play(player, [audio], block_samples, on_samples)
    return np.concatenate([audio[:, :0], *played], axis=1, dtype=np.float32)


def turn(player: Player, controls: dict[str, float]) -> None:
    """Set controls by name; those not named get their defaults. Raises: UserError as `Player.set_control` does."""
    defaults = {name: known.default for name, known in player.controls.items()}
    for name, value in (defaults | controls).items():
        player.set_control(name, value)


def play(
    player: Player,
    source: Iterable[np.ndarray],
    block_samples: int,
    on_samples: Callable[[int], object] | None = None,
) -> Iterator[np.ndarray]:
    """Play a stream from a fresh state, so that its length costs no memory.

    source: pieces [channels, samples] of any length. The controls stay as they are; the rest as in `render`.
    Yields: pieces [channels, samples] float32 that add up to the length of the source.
    Raises: UserError where the output holds NaN or infinite samples.
    """
    block = host_block(player, block_samples)
    player.set_block(block)
    # Which input sample the next output sample belongs to: the first ones belong to none.
    place, heard = -player.delay_samples, 0
    for fed, new in _blocks(source, player.channels, block):
        if new == 0 and place >= heard:
            return
        heard += new
        played = player.process(fed)[:, max(-place, 0) : max(heard - place, 0)]
        if not np.isfinite(played).all():
            raise UserError(
                f"{player.path} gives samples that are not numbers (NaN or infinite). The training has failed: "
                "write a lower learning_rate in params.yaml and run `dvc repro`."
            )
        place += block
        if on_samples is not None:
            on_samples(new)
        if played.shape[1]:
            yield played


def _blocks(source: Iterable[np.ndarray], channels: int, block: int) -> Iterator[tuple[np.ndarray, int]]:
    """Blocks of one length from pieces of any, each with how many of its samples are the source's; silence follows."""
    rest = np.zeros((channels, 0), np.float32)
    for piece in source:
        rest = np.concatenate([rest, piece], axis=1, dtype=np.float32)
        while rest.shape[1] >= block:
            yield rest[:, :block], block
            rest = rest[:, block:]
    yield np.pad(rest, ((0, 0), (0, block - rest.shape[1]))), rest.shape[1]
    while True:
        yield np.zeros((channels, block), np.float32), 0
