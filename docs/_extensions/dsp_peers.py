"""Extractors beside the DSP libraries that microcontrollers have."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from cost_tables import measured
from markdown_tables import table

_CORES = ("cortex-m4f", "cortex-m0plus", "avr")


class Peer(NamedTuple):
    """A library's figures with -O2: instructions on Cortex-M4F and M0+, cycles on AVR; its precision."""

    task: str
    tool: str
    cycles: tuple[str, str, str]
    flash: str
    worth: str


#: Task: the extractor of docs/measure.py that stands beside the peers, and what its outputs are worth.
_OURS: Sequence[tuple[str, str, str]] = (
    ("FFT, 256 points", "`FFT(256)`", "94 / 91 dB"),
    ("FFT, 256 points", '`FFT(256, precision="int16")`', "75 / 65 dB"),
    ("FFT, 512 points", "`FFT(512)`", "94 / 91 dB"),
    ("FFT, 1024 points", "`FFT(1024)`", "94 / 91 dB"),
    ("MFCC, 16 kHz, 512 points, 40 bands, 13 coefficients", "`MFCC(16000)`", "error 0.005"),
    (
        "mean, std, rms, min, max of 128 × 3",
        "`Statistics([mean, std, rms, min, max], n_channels=3)`",
        "exact",
    ),
    ("the same with skew, kurtosis, zero crossings", "`Statistics(n_channels=3)`", "0.002"),
    ("two biquads, 256 samples", "`IIRFilter(butter(4, 0.2))`", "1 step"),
)

#: Taken once with the compilers and simulators of the bench, CMSIS-DSP with its loops unrolled. These
#: libraries are on no package registry, so that `make bench` does not take the figures again.
_PEERS = (
    Peer("FFT, 256 points", "CMSIS-DSP rfft_q15", ("9.9k", "31.9k", "–"), "36 to 40 KB", "57 / 19 dB"),
    Peer("FFT, 256 points", "CMSIS-DSP rfft_q31", ("20.5k", "131k", "–"), "70 to 75 KB", "148 / 110 dB"),
    Peer("FFT, 256 points", "CMSIS-DSP rfft_fast_f32", ("12.9k", "457k", "–"), "6 to 18 KB", "140 / 141 dB"),
    Peer("FFT, 256 points", "kissfft, 16 bits", ("26.8k", "49.7k", "490k"), "11 KB", "60 / 23 dB"),
    Peer("FFT, 256 points", "ArduinoFHT, assembler", ("–", "–", "59.3k"), "1.7 KB", "58 / 20 dB"),
    Peer("FFT, 256 points", "arduinoFFT, float", ("51k", "1.08M", "1.65M"), "1.5 to 5 KB", "107 / 108 dB"),
    Peer("FFT, 256 points", "emlearn eml_fft", ("47k", "934k", "–"), "5 to 9 KB", "138 / 140 dB"),
    Peer("FFT, 512 points", "CMSIS-DSP rfft_q15", ("18.5k", "67.4k", "–"), "36 to 40 KB", "57 dB"),
    Peer("FFT, 512 points", "CMSIS-DSP rfft_q31", ("39.8k", "270k", "–"), "70 to 75 KB", "148 dB"),
    Peer("FFT, 1024 points", "CMSIS-DSP rfft_q15", ("44.6k", "152k", "–"), "36 to 40 KB", "57 dB"),
    Peer("FFT, 1024 points", "CMSIS-DSP rfft_q31", ("92.4k", "611k", "–"), "70 to 75 KB", "148 dB"),
    Peer(
        "MFCC, 16 kHz, 512 points, 40 bands, 13 coefficients",
        "CMSIS-DSP mfcc_q15",
        ("64.6k", "330k", "–"),
        "44 to 47 KB",
        "error 1.3 at -46 dB",
    ),
    Peer(
        "MFCC, 16 kHz, 512 points, 40 bands, 13 coefficients",
        "CMSIS-DSP mfcc_f32",
        ("54.6k", "1.96M", "–"),
        "17 to 24 KB",
        "exact",
    ),
    Peer(
        "MFCC, 16 kHz, 512 points, 40 bands, 13 coefficients",
        "Edge Impulse SDK, November 2024",
        ("242k", "2.8M", "–"),
        "32 to 46 KB",
        "exact",
    ),
    Peer(
        "mean, std, rms, min, max of 128 × 3",
        "CMSIS-DSP q15",
        ("11.1k", "24.3k", "–"),
        "",
        "std 0 where 75 is right",
    ),
    Peer("mean, std, rms, min, max of 128 × 3", "CMSIS-DSP f32", ("13.9k", "285k", "–"), "", "exact"),
    Peer(
        "the same with skew, kurtosis, zero crossings",
        "float C, straightforward",
        ("12.8k", "396k", "617k"),
        "",
        "exact",
    ),
    Peer("two biquads, 256 samples", "CMSIS-DSP df1_q15", ("9.57k", "41.1k", "–"), "0.4 KB", "45 steps"),
    Peer(
        "two biquads, 256 samples",
        "CMSIS-DSP df1_fast_q15",
        ("5.20k", "27.6k", "–"),
        "0.3 to 0.7 KB",
        "45 steps",
    ),
    Peer("two biquads, 256 samples", "CMSIS-DSP df1_q31", ("7.04k", "135k", "–"), "0.6 to 1.1 KB", "1 step"),
)


def beside() -> str:
    """Ours as measured, then the peers, task by task."""
    found = {it["title"]: it["cores"] for it in measured()["features"]}
    rows = []
    for task in dict.fromkeys(task for task, *_ in _OURS):
        lines = [(name, *figures(found[name]), worth) for of, name, worth in _OURS if of == task]
        lines += [(peer.tool, *peer.cycles, peer.flash, peer.worth) for peer in _PEERS if peer.task == task]
        rows += [(task if not i else "", *line) for i, line in enumerate(lines)]
    head = ("task", "of", "Cortex-M4F", "Cortex-M0+", "ATmega2560", "flash", "precision")
    return table(head, rows)


def figures(cores: dict) -> tuple[str, str, str, str]:
    """Cycles on the three cores and the range of flash, of what docs/measure.py wrote."""
    fast = [cores[name]["-O2"] for name in _CORES]
    least, most = (of(cost["flash"] for cost in fast) / 1024 for of in (min, max))
    m4, m0, avr = (_short(cost["cycles"]) for cost in fast)
    return m4, m0, avr, f"{least:.1f} to {most:.1f} KB"


def _short(cycles: float) -> str:
    """Three digits.

    >>> _short(9949.0), _short(131000.0), _short(1620000.0)
    ('9.95k', '131k', '1.62M')
    """
    value, unit = (cycles / 1e6, "M") if cycles >= 1e6 else (cycles / 1e3, "k")
    return f"{value:.3g}{unit}"
