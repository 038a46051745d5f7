"""A moving picture with detail, for codecs."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

Picture = npt.NDArray[np.uint8]


def scene(width: int, height: int, count: int, seed: int = 1) -> Iterator[Picture]:
    """Soft shapes that drift, BGR, with a little noise as of a camera."""
    rng = np.random.default_rng(seed)
    rows, columns = np.mgrid[0:height, 0:width].astype(np.float32)
    waves = rng.uniform(0.02, 0.12, (3, 4, 2))
    for index in range(count):
        x, y = columns + 3.0 * index, rows + 1.0 * index
        channels = [sum(np.sin(a * x + b * y) for a, b in waves[c]) for c in range(3)]
        picture = 128 + 28 * np.stack(channels, axis=2) + rng.normal(0, 2, (height, width, 3))
        yield np.clip(picture, 0, 255).astype(np.uint8)


def psnr(a: Picture, b: Picture) -> float:
    """Peak signal to noise ratio of the first three channels, dB."""
    difference = a[..., :3].astype(np.float32) - b[..., :3]
    return float(10 * np.log10(255**2 / max(1e-9, float(np.mean(difference**2)))))
