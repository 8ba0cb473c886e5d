"""What a TCS34725 counts before a coloured card, by a stated recipe from measured spectra."""

from __future__ import annotations

import numpy as np
from colour import SDS_COLOURCHECKERS, SDS_LIGHT_SOURCES
from numpy.typing import NDArray

Array = NDArray[np.float64]

#: Nanometres. All spectra are interpolated to these.
_WAVELENGTHS = np.arange(400.0, 701.0, 5.0)
#: Peak and standard deviation of red, green and blue, after the curves of the sensor's data sheet.
_BANDS = ((615.0, 38.0), (525.0, 36.0), (465.0, 26.0))
#: Counts of the clear channel before the white card: with 24 ms the sensor counts up to 10240.
_WHITE = 9000.0

TRAIN_CHART = "BabelColor Average"
"""The mean of 30 charts."""
TEST_CHART = "ColorChecker N Ohta"
"""Another chart, measured by another laboratory."""


def counts(chart: str, copies: int, seed: int) -> tuple[Array, NDArray[np.str_]]:
    """Counts of red, green, blue and clear before each card of a chart, `copies` times.

    The sensor's own white LED lights the card from a few millimetres. From one copy to another the distance
    differs (the light by 8 %), as does the light of the room that leaks in (incandescent, up to 5 % of the
    LED's), and each channel has noise of 1 % and 3 counts.

    Returns
    -------
    float64 array of shape (n, 4); names of the cards, shape (n,)
    """
    rng = np.random.default_rng(seed)
    led, room = (_spectrum(SDS_LIGHT_SOURCES[name]) for name in ("Phosphor LED YAG", "Incandescent"))
    red, green, blue = (np.exp(-0.5 * ((_WAVELENGTHS - peak) / width) ** 2) for peak, width in _BANDS)
    sensor = np.stack([red, green, blue, red + green + blue], axis=1) * [1.0, 1.0, 1.0, 0.9]
    led, room = led / led.mean(), room / room.mean()
    rows, names = [], []
    for name, reflectance in SDS_COLOURCHECKERS[chart].items():
        card = _spectrum(reflectance)
        for _ in range(copies):
            light = led * rng.normal(1, 0.08) + room * rng.uniform(0, 0.05)
            rows.append((card * light) @ sensor)
            names.append(str(name).split(" (")[0])
    clean = np.array(rows) * _WHITE / (led @ sensor)[3]
    return clean * rng.normal(1, 0.01, clean.shape) + rng.normal(0, 3, clean.shape), np.array(names)


def _spectrum(distribution: object) -> Array:
    """A spectral distribution of colour-science at `_WAVELENGTHS`."""
    given = distribution.wavelengths, distribution.values  # type: ignore[attr-defined]
    return np.asarray(np.interp(_WAVELENGTHS, *given))
