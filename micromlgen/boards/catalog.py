"""The cores and the boards, by name."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import TypeVar

from micromlgen.boards.avr import Avr
from micromlgen.boards.core import Core
from micromlgen.boards.host import Host
from micromlgen.boards.qemu import CortexM, RiscV
from micromlgen.errors import UnsupportedError

_Named = TypeVar("_Named")


def _mps2(board: str) -> tuple[str, ...]:
    return ("qemu-system-arm", "-M", f"mps2-{board}")


CORES: Mapping[str, Core] = MappingProxyType(
    {
        core.name: core
        for core in (
            Host("host"),
            Avr("avr", mcu="atmega2560"),
            CortexM("cortex-m0plus", _mps2("an385"), ("-mcpu=cortex-m0plus", "-mfloat-abi=soft")),
            CortexM("cortex-m3", _mps2("an385"), ("-mcpu=cortex-m3", "-mfloat-abi=soft")),
            CortexM(
                "cortex-m4f", _mps2("an386"), ("-mcpu=cortex-m4", "-mfloat-abi=hard", "-mfpu=fpv4-sp-d16")
            ),
            CortexM("cortex-m7", _mps2("an500"), ("-mcpu=cortex-m7", "-mfloat-abi=hard", "-mfpu=fpv5-d16")),
            RiscV(
                "rv32imc",
                ("qemu-system-riscv32", "-M", "virt", "-bios", "none"),
                ("-march=rv32imc", "-mabi=ilp32"),
            ),
        )
    }
)
"""Every core; AVR as an ATmega2560, which has room for any test."""


@dataclass(frozen=True)
class Board:
    """A board that one can buy.

    Parameters
    ----------
    name, title : str
        The name here, and the one on the box.
    core : Core
        Its processor, for AVR the board's own MCU.
    mcu : str
    flash, ram : int
        Bytes that a sketch may use.
    clock_hz : int
    fpu : bool
        Whether float arithmetic is done by instructions.
    source : str
        Where the figures come from.
    """

    name: str
    title: str
    core: Core
    mcu: str
    flash: int
    ram: int
    clock_hz: int
    fpu: bool
    source: str


@cache
def _boards() -> dict[str, Board]:
    tables = tomllib.loads((Path(__file__).parent / "boards.toml").read_text(encoding="utf-8"))
    return {name: Board(name=name, **{**table, "core": _core_of(table)}) for name, table in tables.items()}


def _core_of(table: Mapping[str, str]) -> Core:
    core = CORES[table["core"]]
    return replace(core, mcu=table["mcu"]) if isinstance(core, Avr) else core


def _find(table: Mapping[str, _Named], name: str, kind: str) -> _Named:
    if not isinstance(name, str) or name not in table:
        raise UnsupportedError(f"{kind} {name!r} is not known: use one of {', '.join(table)}")
    return table[name]


def core(name: str) -> Core:
    """Return a core by its name.

    Raises
    ------
    UnsupportedError
        If there is none: the message lists the names.
    """
    return _find(CORES, name, "core")


def board(name: str) -> Board:
    """Return a board by its name.

    Raises
    ------
    UnsupportedError
        If there is none: the message lists the names.
    """
    return _find(_boards(), name, "board")


def boards() -> list[Board]:
    """Return all boards."""
    return list(_boards().values())
