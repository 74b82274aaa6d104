"""How long an MP3 file is that does not say so itself."""

from __future__ import annotations

import mmap
from pathlib import Path

# By two bits of the frame's header, ISO 11172-3 and 13818-3: MPEG 2.5, none, 2, 1. Rates in Hz of MPEG 1.
VERSIONS = (4, 0, 2, 1)
RATES_HZ = (44100, 48000, 32000)
# Kilobits a second of layer III, of MPEG 1 and of 2 and 2.5.
KILOBITS = {
    1: (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    2: (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}
# What stands for sound in a first frame that tells how many frames follow (Xing's and Fraunhofer's).
HEADER_BYTES, VBRI_AT = 4, 36


def counted_samples(path: Path) -> int | None:
    """Samples a channel of all frames of layer III in a file; None where its first frame tells how many there are.

    Decoders, ours too, take the length of all others from the size of the first frame, which with a varying bit rate is
    any length.
    """
    with open(path, "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        at, samples = _first_frame(content), 0
        if at >= 0 and _tells_length(content, at):
            return None
        while at >= 0:
            found = _frame(content, at)
            if found is None:
                # Tags at the end, or a damage that decoders skip too.
                at = _next_frame(content, at + 1)
                continue
            size, length = found
            at, samples = at + size, samples + length
            if at + HEADER_BYTES > len(content):
                break
        return samples


def _first_frame(content: mmap.mmap) -> int:
    """Where sound begins, behind tags; -1 where it does not."""
    at = 0
    while content[at : at + 3] == b"ID3":
        size = 0
        for byte in content[at + 6 : at + 10]:
            size = size << 7 | byte & 0x7F
        at += 10 + size
    return _next_frame(content, at)


def _next_frame(content: mmap.mmap, at: int) -> int:
    """The next place from here on with a frame that another one follows, or the end; -1 where there is none."""
    while (at := content.find(b"\xff", at)) >= 0:
        found = _frame(content, at)
        if found and (at + found[0] >= len(content) or _frame(content, at + found[0])):
            return at
        at += 1
    return -1


def _frame(content: mmap.mmap, at: int) -> tuple[int, int] | None:
    """Bytes and samples of the frame of layer III at a place; None where there is none."""
    head = content[at : at + HEADER_BYTES]
    if len(head) < HEADER_BYTES or head[0] != 0xFF or head[1] & 0xE6 != 0xE2:
        return None
    version, kilobits, rate = VERSIONS[head[1] >> 3 & 3], head[2] >> 4, head[2] >> 2 & 3
    if version == 0 or kilobits in (0, 15) or rate == 3:
        return None
    samples = 1152 if version == 1 else 576
    bytes_a_sample = 125 * KILOBITS[min(version, 2)][kilobits] / (RATES_HZ[rate] // version)
    return int(samples * bytes_a_sample) + (head[2] >> 1 & 1), samples


def _tells_length(content: mmap.mmap, at: int) -> bool:
    """Whether a first frame holds a count of frames instead of sound."""
    is_first_version, is_mono = content[at + 1] >> 3 & 3 == 3, content[at + 3] >> 6 == 3
    side_bytes = (17 if is_mono else 32) if is_first_version else (9 if is_mono else 17)
    begin = at + HEADER_BYTES + side_bytes
    tag = content[begin : begin + 12]
    if tag[:4] in (b"Xing", b"Info"):
        return bool(tag[7] & 1) and any(tag[8:12])
    return content[at + VBRI_AT : at + VBRI_AT + 4] == b"VBRI"
