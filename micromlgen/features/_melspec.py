"""What a mel spectrogram is, as parameters: the options, and how libraries of the field set them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from micromlgen.errors import UnsupportedError
from micromlgen.features._filterbank import Filterbank

#: Where neither the user nor a preset says otherwise. Lengths of None follow from others.
_DEFAULTS: Mapping[str, Any] = {
    "n_fft": 512,
    "frame_length": None,
    "hop_length": None,
    "n_mels": 40,
    "fmin": 0.0,
    "fmax": None,
    "window": "hann",
    "spectrum": "power",
    "mel_scale": "htk",
    "mel_norm": None,
    "edges": "hertz",
    "log": "ln",
    "floor": 1e-10,
    "offset": 0.0,
    "top_db": 80.0,
    "pre_emphasis": 0.0,
    "scaled": False,
    "full_scale": 32768.0,
    "n_mfcc": 13,
    "lifter": 0,
    "lifter_from": 0,
    "dct": "ortho",
    "energy": False,
    "normalize": None,
    "delta": 0,
    "delta_width": 2,
    "precision": "int32",
}
_AUDIO = {"log": "db", "n_mels": 128}
_PRESETS: Mapping[str, Mapping[str, Any]] = {
    "librosa": {
        **_AUDIO,
        "n_fft": 2048,
        "hop_length": 512,
        "mel_scale": "slaney",
        "mel_norm": "slaney",
        "n_mfcc": 20,
        "lifter_from": 1,
    },
    "torchaudio": {**_AUDIO, "frame_length": 400, "hop_length": 200, "n_mfcc": 40},
    "python_speech_features": {
        "frame_length": 0.025,  # seconds
        "hop_length": 0.01,
        "n_mels": 26,
        "window": None,
        "edges": "bins",
        "floor": 2.220446049250313e-16,
        "top_db": 180.0,  # as good as none
        "pre_emphasis": 0.97,
        "scaled": True,
        "full_scale": 1.0,
        "lifter": 22,
        "energy": True,
    },
    "tensorflow": {
        "n_fft": 1024,
        "hop_length": 256,
        "n_mels": 80,
        "fmin": 80.0,
        "fmax": 7600.0,
        "spectrum": "magnitude",
        "edges": "mels",
        "floor": 1e-6,
        "offset": 1e-6,
        "top_db": 180.0,
        "dct": "htk",
    },
}
_CHOICES: Mapping[str, tuple[Any, ...]] = {
    "spectrum": ("power", "magnitude"),
    "mel_scale": ("htk", "slaney"),
    "mel_norm": (None, "slaney"),
    "edges": ("hertz", "bins", "mels"),
    "log": ("ln", "log2", "db"),
    "dct": ("ortho", "htk"),
    "normalize": (None, "mean", "variance"),
    "delta": (0, 1, 2),
    "energy": (False, True),
    "scaled": (False, True),
    "precision": ("int32", "int16"),
}
_SIZES = tuple(2**k for k in range(3, 13))
_MOST_MELS = 255


@dataclass(frozen=True)
class Options:
    """Every option of a mel spectrogram and of cepstra, with its value."""

    n_fft: int
    frame_length: int
    hop_length: int
    n_mels: int
    fmin: float
    fmax: float
    window: Any
    spectrum: str
    mel_scale: Any
    mel_norm: str | None
    edges: str
    log: str
    floor: float
    offset: float
    top_db: float
    pre_emphasis: float
    scaled: bool
    full_scale: float
    n_mfcc: int
    lifter: int
    lifter_from: int
    dct: str
    energy: bool
    normalize: str | None
    delta: int
    delta_width: int
    precision: str
    sample_rate: float

    @property
    def filterbank(self) -> Filterbank:
        """The triangles."""
        return Filterbank(
            float(self.sample_rate),
            self.n_fft,
            self.n_mels,
            float(self.fmin),
            float(self.fmax),
            self.mel_scale,
            self.mel_norm,
            self.edges,
        )


def options(who: str, given: Mapping[str, Any]) -> Options:
    """The options that are given, and else the preset's, and else the defaults.

    Parameters
    ----------
    who : str
        In whose name errors are raised.
    given : mapping
        `sample_rate`, `preset`, and options, of which None are not given.

    Raises
    ------
    UnsupportedError
        If one of them is unfit.
    """
    own = {name: value.item() if isinstance(value, np.generic) else value for name, value in given.items()}
    rate, preset = own.pop("sample_rate"), own.pop("preset")
    if not _is_number(rate) or rate <= 0:
        raise UnsupportedError(f"{who}: sample_rate={rate!r}: a number of samples in a second is needed")
    if preset is not None and not (isinstance(preset, str) and preset in _PRESETS):
        raise UnsupportedError(f"{who}: preset={preset!r}: use one of {', '.join(_PRESETS)}, or None")
    of_preset = {} if preset is None else _PRESETS[preset]
    known = {**_DEFAULTS, **of_preset, **{k: v for k, v in own.items() if v is not None}}
    for name, none in (("window", "ones"), ("mel_norm", "none")):
        if isinstance(known[name], str) and known[name] == none:
            known[name] = None
    for name in ("frame_length", "hop_length"):
        if name in of_preset and own.get(name) is None and isinstance(known[name], float):
            known[name] = int(known[name] * rate + 0.5)
    if known["frame_length"] is None:
        known["frame_length"] = known["n_fft"]
    if known["hop_length"] is None:
        known["hop_length"] = known["frame_length"] // 2
    if "n_mfcc" not in given:  # of what has no cepstra
        known["n_mfcc"] = 1
    if known["fmax"] is None:
        known["fmax"] = rate / 2
    _check(who, known, rate)
    return Options(**known, sample_rate=rate)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _is_integer(value: Any, least: int, most: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and least <= value <= most


def _check(who: str, known: Mapping[str, Any], rate: float) -> None:
    def refuse(name: str, needed: str) -> UnsupportedError:
        return UnsupportedError(f"{who}: {name}={known[name]!r}: {needed}")

    for name, choices in _CHOICES.items():
        if type(known[name]) not in map(type, choices) or known[name] not in choices:
            raise refuse(name, f"use one of {', '.join(map(repr, choices))}")
    if not _is_integer(known["n_fft"], 8, 4096) or known["n_fft"] not in _SIZES:
        raise refuse("n_fft", "a power of two from 8 to 4096 is needed")
    if not _is_integer(known["frame_length"], 1, known["n_fft"]):
        raise refuse("frame_length", f"an integer from 1 to n_fft={known['n_fft']} is needed")
    limits = {"hop_length": 1 << 15, "n_mels": _MOST_MELS, "delta_width": 9}
    for name, most in limits.items():
        if not _is_integer(known[name], 1, most):
            raise refuse(name, f"an integer from 1 to {most} is needed")
    if not _is_integer(known["n_mfcc"], 1, known["n_mels"]):
        raise refuse("n_mfcc", f"an integer from 1 to n_mels={known['n_mels']} is needed")
    for name in ("fmin", "fmax"):
        if not _is_number(known[name]):
            raise refuse(name, "a number of Hz is needed")
    if not 0 <= known["fmin"] < known["fmax"] <= rate / 2:
        raise refuse("fmax", f"0 <= fmin={known['fmin']!r} < fmax <= sample_rate / 2 is needed")
    if not _is_number(known["floor"]) or not 1e-18 <= known["floor"] <= 1:
        raise refuse("floor", "a number from 1e-18 to 1 is needed")
    if not _is_number(known["offset"]) or not 0 <= known["offset"] <= 1:
        raise refuse("offset", "a number from 0 to 1 is needed")
    if not _is_number(known["pre_emphasis"]) or not 0 <= known["pre_emphasis"] < 1:
        raise refuse("pre_emphasis", "a number from 0 to below 1 is needed")
    if not _is_number(known["top_db"]) or not 0 < known["top_db"] <= 180:
        raise refuse("top_db", "a number of dB up to 180 is needed")
    if not _is_integer(known["lifter"], 0, 1000):
        raise refuse("lifter", "an integer from 0 (none) is needed")
    if not _is_number(known["full_scale"]) or not 1 <= known["full_scale"] <= 32768:
        raise refuse("full_scale", "a number from 1 to 32768 is needed")
