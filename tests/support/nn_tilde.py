"""What nn~ does to a signal besides the model: delays, and a code that goes from one object to the next."""

import math

import numpy as np
import torch


def buffer_delay(buffer: int, blocks, worker: bool = False) -> int:
    """Delay of nn~'s ring buffers in samples, for a host with blocks of the given sizes."""
    return buffer - math.gcd(buffer, *np.atleast_1d(blocks)) + worker * buffer


@torch.no_grad()
def through_two_objects(network, audio: np.ndarray, waits: int) -> np.ndarray:
    """What the second of two objects plays that hand a code on, both waiting as long: before its own wait begins.

    The first one's wait brings whole frames of zeros before the code.
    """
    whole = audio.shape[1] // network.hop * network.hop
    code, _ = network.encode_step(torch.from_numpy(audio[:, :whole])[None], network.initial_encoder_state(1))
    code = torch.nn.functional.pad(code, [waits // network.hop, 0])
    return network.decode_step(code, network.initial_decoder_state(1))[0][0].numpy()
