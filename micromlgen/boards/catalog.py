"""The boards, by name."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal, TypeVar

from micromlgen.boards.avr import Avr
from micromlgen.boards.core import Core
from micromlgen.boards.cores import CORES
from micromlgen.errors import UnsupportedError

How = Literal["measured", "estimated"]
_Named = TypeVar("_Named")


@dataclass(frozen=True)
class Board:
    """A board that one can buy.

    Parameters
    ----------
    name, title : str
        The name here, and the one on the box.
    core : Core
        What executes the code, for AVR as the board's own MCU: its processor, or the nearest one.
    mcu : str
    flash, ram : int
        Bytes that a sketch may use.
    clock_hz : int
    fpu : bool
        Whether float arithmetic is done by instructions.
    source : mapping of str to str
        Where the figures come from: "memory", "clock", "power", and "cycles" where `cpi` is the chip's own.
    voltage, current_ma : float, optional
        V at the chip's supply and mA from there while it computes, peripherals and radio off; None where
        the maker does not give it.
    cpi : float
        Cycles that an instruction takes on average; 1 where `core` counts cycles.
    stand_in : str
        Why `core` isn't the board's own processor; empty where it is.
    """

    name: str
    title: str
    core: Core
    mcu: str
    flash: int
    ram: int
    clock_hz: int
    fpu: bool
    source: Mapping[str, str]
    voltage: float | None = None
    current_ma: float | None = None
    cpi: float = 1.0
    stand_in: str = ""

    @property
    def how(self) -> How:
        """Whether figures are "measured", the board's own kind of processor executing the code."""
        return "estimated" if self.stand_in else "measured"

    @property
    def measured_on(self) -> str:
        """What executes the code: a core's name, or an AVR's."""
        return self.core.mcu if isinstance(self.core, Avr) else self.core.name


@cache
def _boards() -> dict[str, Board]:
    tables = tomllib.loads((Path(__file__).parent / "boards.toml").read_text(encoding="utf-8"))
    return {name: _board(name, table) for name, table in tables.items()}


def _board(name: str, table: dict[str, Any]) -> Board:
    core = CORES[table.pop("core")]
    mcu = table.pop("runs_as", table["mcu"])
    table["source"] = MappingProxyType(table["source"])
    return Board(
        name=name,
        core=replace(core, mcu=mcu) if isinstance(core, Avr) else core,
        **{"cpi": core.cpi, **table},
    )


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
