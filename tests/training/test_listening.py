"""What is to be heard of a training."""

from itertools import pairwise

import torch

from timbre.cache.store import Cache
from timbre.training.listening import MOST_HEARD, PIECE_SECONDS, Listening, heard_steps


def test_the_validations_that_are_heard_are_few_spread_and_never_asked_for_again():
    before: set[int] = set()
    for count in range(1, 200):
        steps = [250 * number for number in range(1, count + 1)]
        chosen = heard_steps(steps)
        assert len(chosen) <= MOST_HEARD and chosen[-1] == steps[-1] and chosen[0] == steps[0]
        assert chosen == sorted(set(chosen)) and set(chosen) <= before | {steps[-1]}
        gaps = {later - earlier for earlier, later in pairwise(chosen[:-1])}
        assert len(gaps) <= 1
        before = set(chosen)


def test_the_pieces_are_the_loudest_of_each_half(tiny_cache, make_duel):
    listening = Listening(Cache(tiny_cache), make_duel((1,)), torch.device("cpu"))
    pieces = listening.batch["audio"]
    channels, samples = listening.original.shape
    assert channels == 1 and samples == len(pieces) * min(pieces.shape[2], PIECE_SECONDS * listening.sample_rate)
    assert samples <= 4 * listening.sample_rate and listening.original.dtype == torch.int16
    assert pieces.abs().amax(dim=(1, 2)).min() > 0.01


def test_a_perfect_network_sounds_like_the_original(tiny_cache, make_duel):
    listening = Listening(Cache(tiny_cache), make_duel((1,)), torch.device("cpu"))
    assert torch.equal(listening.heard(lambda batch: batch["audio"]), listening.original)
    assert listening.heard(lambda batch: 9.0 * torch.sign(batch["audio"])).abs().max() == 32767
    quieter = listening.heard(lambda batch: 0.5 * batch["audio"])
    assert (quieter - 0.5 * listening.original).abs().max() <= 1.0
