"""Which buffers the plug-in may hand to a model."""

import pytest

from timbre.export.neutone.buffers import native_buffer_sizes

HOSTS = (64, 128, 256, 480, 512, 960, 1024, 2048, 3000, 4096)


@pytest.fixture(scope="module")
def queue():
    from neutone_sdk import SampleQueueWrapper

    return SampleQueueWrapper


@pytest.mark.parametrize(
    ("hop", "sizes"), ((128, [128, 256, 512, 1024, 2048]), (512, [512, 1024, 2048]), (2048, [2048]), (4096, [4096]))
)
def test_the_list_is_short_and_ascends_from_the_hop(hop, sizes):
    assert native_buffer_sizes(hop) == sizes


@pytest.mark.parametrize("hop", (128, 512, 2048))
@pytest.mark.parametrize("host", HOSTS)
def test_no_other_buffers_wait_less(queue, hop, host):
    chosen = queue.select_best_model_buffer_size(host, native_buffer_sizes(hop))
    least = min(queue.calc_delay_samples(host, hop * count) for count in range(1, 8192 // hop + 1))
    assert queue.calc_delay_samples(host, chosen) == least


@pytest.mark.parametrize("hop", (128, 512))
def test_blocks_of_a_power_of_two_are_played_in_one(queue, hop):
    sizes = native_buffer_sizes(hop)
    assert [queue.select_best_model_buffer_size(host, sizes) for host in sizes] == sizes
