"""Texts as rows of bytes of one length, many at once."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray


def packed(texts: Sequence[str], width: int = 0) -> NDArray[np.uint8]:
    """UTF-8 of each text, padded with zeros, uint8 (n, width); without a width as wide as the longest.

    Raises: ValueError for a text that is wider, or that has a zero in it: nothing is cut off in silence.
    """
    if not len(texts):
        return np.zeros((0, max(width, 1)), np.uint8)
    run = np.frombuffer(("\0".join(texts) + "\0").encode(), np.uint8)
    ends = np.flatnonzero(run == 0)
    if len(ends) != len(texts):
        raise ValueError("A text with a zero in it cannot be padded with zeros.")
    starts = np.concatenate([np.zeros(1, np.int64), ends[:-1] + 1])
    lengths = ends - starts
    longest = int(lengths.max())
    if width and longest > width:
        raise ValueError(f"A text is wider than {width} bytes.")
    width = width or max(longest, 1)
    rows = sliding_window_view(np.pad(run, (0, width)), width)[starts]
    return rows * (np.arange(width) < lengths[:, None])
