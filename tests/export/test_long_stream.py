"""A stream that goes on and on: nothing grows, nothing drifts, nothing carries a gradient."""

import numpy as np
import pytest
import torch

from timbre.export.two_part_effect import effect_of
from timbre.models.ddsp.network import ADAPTATION_STATE, PHASE_STATE

# What adaptation and network remember: the network's place follows on the adaptation's.
MEMORY = (*ADAPTATION_STATE, ADAPTATION_STATE.stop)
HOP, RATE, SECONDS, LEAD_SECONDS = 128, 16000, 10, 4


@pytest.fixture(scope="module")
def blocks(harmonic_tone) -> list[torch.Tensor]:
    time = np.arange(2 * RATE) / RATE
    swell = 0.6 + 0.4 * np.sin(2 * np.pi * 1.5 * time)
    audio = torch.tensor(harmonic_tone(220.0, 2.0, RATE) * swell, dtype=torch.float32)
    return list(audio[None, None].split(HOP, dim=2))


def take_over(fresh, effect, places) -> None:
    state = list(fresh.state)
    for place in places:
        state[place] = effect.state[place].clone()
    fresh.state = state


def test_the_last_second_is_that_of_a_fresh_model_from_the_same_phase_on(tiny_network, blocks):
    effect, fresh = (torch.jit.script(effect_of(tiny_network()).eval()) for _ in range(2))
    total, lead = SECONDS * RATE // HOP, LEAD_SECONDS * RATE // HOP
    sizes = None
    for index in range(total - lead):
        effect(blocks[index % len(blocks)])
        if index == 200:
            sizes = [part.shape for part in effect.state]
    assert [part.shape for part in effect.state] == sizes
    ends = [[], []]
    for index in range(total - lead, total):
        # Once its windows are full it is given the memory of the other, and in the end where the oscillators are.
        if index == total - lead + RATE // HOP:
            take_over(fresh, effect, MEMORY)
        if index == total - RATE // HOP - 1:
            take_over(fresh, effect, PHASE_STATE)
        for each, played in zip((effect, fresh), ends, strict=True):
            played.append(each(blocks[index % len(blocks)]))
    assert not any(part.requires_grad for part in [*effect.state, *ends[0]])
    ends = [torch.cat(played, dim=2)[0, 0, -RATE + HOP :] for played in ends]
    assert ends[0].abs().max() > 0.01
    assert (ends[0] - ends[1]).abs().max() < 1e-5
