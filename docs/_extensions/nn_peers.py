"""Small nets in int8 beside the runtimes and generators that microcontrollers have."""

from __future__ import annotations

from typing import NamedTuple

from cost_tables import measured
from dsp_peers import figures
from markdown_tables import table


class Peer(NamedTuple):
    """A tool's figures with -O2: instructions on Cortex-M4F and M0+, cycles on AVR."""

    net: str
    tool: str
    cycles: tuple[str, str, str]
    flash: str
    worth: str


_A, _B = "64-32-16-10, digits", "30-16-1, breast cancer"
#: Taken once with the compilers and simulators of the bench.
_PEERS = (
    Peer(_A, "CMSIS-NN s8, called directly", ("9.0k", "22.4k", "–"), "5.4 to 7.8 KB", "exact"),
    Peer(_A, "TFLM with CMSIS-NN", ("9.3k", "24.6k", "–"), "24 to 27 KB", "exact"),
    Peer(_A, "TFLM, reference kernels", ("23.4k", "–", "–"), "21 KB", "exact"),
    Peer(_A, "NNoM int8", ("10.3k", "17.5k", "–"), "7.2 to 7.4 KB", "wrong bias on leftover rows"),
    Peer(
        _A, "onnx2c int8", ("21.8k", "75k", "681k"), "3.9 to 6.1 KB", "wrong: wraps where it should saturate"
    ),
    Peer(_A, "emlearn, float", ("19.6k", "502k", "–"), "14 to 18 KB", "0.969"),
    Peer(_A, "EmbML, 16 bits, format by hand", ("40.6k", "59.5k", "239k"), "6.1 to 7.6 KB", "0.969"),
    Peer(_B, "CMSIS-NN s8, called directly", ("2.36k", "–", "–"), "", "exact"),
    Peer(_B, "NNoM int8", ("–", "3.94k", "–"), "", ""),
    Peer(_B, "EmbML, 16 bits, format by hand", ("–", "–", "72k"), "", ""),
)


def beside() -> str:
    """Ours as measured, with the peers of the same net."""
    rows = []
    for net in measured()["nets"]:
        worth = f"{net['accuracy']:.3f}; agrees with floats on {net['agreement']:.3f}"
        rows.append((net["title"], "micromlgen", *figures(net["cores"]), worth))
        rows += [("", p.tool, *p.cycles, p.flash, p.worth) for p in _PEERS if p.net == net["title"]]
    head = ("net", "by", "Cortex-M4F", "Cortex-M0+", "ATmega2560", "flash", "accuracy on unseen rows")
    return table(head, rows)
