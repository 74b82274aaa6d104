"""The filter bank as layers: the textbook's numbers, offline and in a stream, whatever delay lies between."""

import numpy as np
import pytest
import torch

from timbre.dsp.pqmf import analysis_filters
from timbre.nn.pqmf import Analysis, Synthesis, pair_delay_samples

DESIGNS = [(16, 100.0), (16, 40.0), (4, 70.0), (2, 40.0), (32, 100.0)]


@pytest.fixture(params=DESIGNS, ids=lambda design: f"{design[0]}_bands_{design[1]:g}_db")
def design(request):
    return request.param


def test_analysis_is_the_textbooks(design, snr_db):
    bands, attenuation_db = design
    x = torch.randn(1, 1, 40 * bands)
    got = Analysis(bands, attenuation_db)(x)[0]
    # A band sample comes with the newest sample of its row.
    wanted = [np.convolve(x[0, 0].numpy(), h)[bands - 1 :: bands][:40] for h in analysis_filters(bands, attenuation_db)]
    assert snr_db(np.stack(wanted), got) > 100


@pytest.mark.parametrize("band_delay", range(4))
@pytest.mark.parametrize("streamed", [False, True])
def test_the_pair_gives_back_the_sound_at_every_parity_of_the_delay(
    design, band_delay, streamed, random_blocks, snr_db
):
    bands, attenuation_db = design
    analysis, synthesis = Analysis(bands, attenuation_db, 2), Synthesis(bands, attenuation_db, 2)
    x = torch.randn(3, 2, 120 * bands)
    if streamed:
        states = [analysis.initial_state(3), synthesis.initial_state(3), torch.zeros(3, band_delay, 2 * bands)]
        pieces = []
        for block in x.split(random_blocks(x.shape[2], 1, bands), dim=2):
            rows, states[0] = analysis.step(block, states[0])
            waiting = torch.cat([states[2], rows], dim=1)
            rows, states[2] = waiting[:, : rows.shape[1]], waiting[:, rows.shape[1] :]
            played, states[1] = synthesis.step(rows, states[1])
            pieces.append(played)
        y = torch.cat(pieces, dim=2)
    else:
        y = synthesis(torch.nn.functional.pad(analysis(x), [band_delay, 0])[:, :, :120])
    delay = pair_delay_samples(bands, attenuation_db) + band_delay * bands
    assert snr_db(x[:, :, :-delay], y[:, :, delay:]) > {100.0: 80, 70.0: 65, 40.0: 40}[attenuation_db]


def test_streams_equal_the_whole(design, random_blocks, snr_db):
    bands, attenuation_db = design
    for layer, x in (
        (Analysis(bands, attenuation_db, 2), torch.randn(2, 2, 60 * bands)),
        (Synthesis(bands, attenuation_db, 2), torch.randn(2, 60, 2 * bands)),
    ):
        along = 2 if isinstance(layer, Analysis) else 1
        sizes = random_blocks(x.shape[along], 2, bands if along == 2 else 1)
        state, pieces = layer.initial_state(2), []
        for block in x.split(sizes, dim=along):
            y, state = layer.step(block, state)
            pieces.append(y)
        got = torch.cat(pieces, dim=3 - along)
        whole = layer(x).transpose(1, 2) if along == 2 else layer(x.transpose(1, 2))
        assert snr_db(whole, got) > 100


def test_channels_do_not_mix(design):
    bands, attenuation_db = design
    x = torch.zeros(1, 2, 30 * bands)
    x[:, 1] = torch.randn(30 * bands)
    split = Analysis(bands, attenuation_db, 2)(x)
    assert not split[:, :bands].any()
    assert not Synthesis(bands, attenuation_db, 2)(split)[:, 0].any()
