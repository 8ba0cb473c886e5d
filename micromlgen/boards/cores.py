"""The cores, by name.

Where instructions are counted, `cpi` is what one takes in cycles, to estimate times. There are two sources.

The tables of instruction timings in the technical reference manuals of the Cortex-M0+ and the Cortex-M4,
applied to every instruction that trees and forests of this package execute (float32 and int16, as code and as
tables, -Os): 1.4 to 1.8 and 1.5 to 1.7. A load takes 2 cycles, a taken branch 2 on the M0+ and 3 on the M4
(1 + P with P = 2), and both are frequent here. Memory has no wait states in them, as behind a cache that
holds the model.

For the others, relative to these, CoreMark: 1e6 / (CoreMark/MHz) cycles an iteration by the maker, and the
instructions of an iteration as counted here with -O3.

| core          | CoreMark/MHz, of             | instructions | cpi                         |
|---------------|------------------------------|--------------|-----------------------------|
| cortex-m0plus | 2.46, Arm                    | 364 900      | 1.6, by its timings         |
| cortex-m23    | 2.64, Arm                    | 359 100      | 0.95 of the M0+'s           |
| cortex-m3     | 3.34, Arm                    | 277 300      | the M4's timings            |
| cortex-m4f    | 3.42, Arm                    | 277 300      | 1.6, by its timings         |
| cortex-m33    | 4.02, Arm                    | 277 300      | 0.85 of the M4's            |
| cortex-m7     | 5.01, Arm                    | 269 100      | 0.70 of the M4's            |
| cortex-m55    | 4.20, Arm                    | 270 700      | 0.83 of the M4's            |
| rv32imc       | 2.55, Espressif's ESP32-C3   | 286 500      | 1.30 of the M4's            |
| lx106         | 2.10, of the ESP32, its heir | 271 000      | 1.67 of the M4's            |
| rv32ec        | none known                   |              | the M0+'s, 2 stages as well |
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from micromlgen.boards.avr import Avr
from micromlgen.boards.core import Core
from micromlgen.boards.host import Host
from micromlgen.boards.lx106 import Lx106
from micromlgen.boards.qemu import CortexM, Mps, RiscV

_TIMER = "CMSDK_TIMER=0x40000000u"
_AN385 = Mps("mps2-an385", 0, 0x100, 0x20000000, _TIMER, 25_000_000)
_AN386 = Mps("mps2-an386", 0, 0x100, 0x20000000, _TIMER, 25_000_000)
_AN500 = Mps("mps2-an500", 0, 0x100, 0x20000000, _TIMER, 25_000_000)
# These start in the secure state, whose view of everything has bit 28 set.
_AN505 = Mps("mps2-an505", 0x10000000, 0x10000100, 0x38000000, "CMSDK_TIMER=0x50000000u", 20_000_000)
_AN547 = Mps("mps3-an547", 0x10000000, 0x11000000, 0x31000000, "SSE_COUNTER=0x58100000u", 32_000_000, 2 << 20)


def _cortex_m(name: str, board: Mps, cpi: float, fpu: str = "", like: str = "") -> CortexM:
    """Cortex-M without an FPU, or with the one that gcc calls so."""
    floats = ("-mfloat-abi=hard", f"-mfpu={fpu}") if fpu else ("-mfloat-abi=soft",)
    cpu = f"-mcpu={name.replace('m4f', 'm4')}"
    return CortexM(name, processor=(cpu, *floats), board=board, cpi=cpi, like=like)


CORES: Mapping[str, Core] = MappingProxyType(
    {
        core.name: core
        for core in (
            Host("host"),
            Avr("avr", mcu="atmega2560"),
            _cortex_m("cortex-m0plus", _AN385, 1.6),
            # There is no model of this one: its instructions are a part of the M33's.
            _cortex_m("cortex-m23", _AN505, 1.5, like="cortex-m0plus"),
            _cortex_m("cortex-m3", _AN385, 1.6, like="cortex-m4f"),
            _cortex_m("cortex-m4f", _AN386, 1.6, "fpv4-sp-d16"),
            _cortex_m("cortex-m33", _AN505, 1.4, "fpv5-sp-d16", like="cortex-m4f"),
            _cortex_m("cortex-m7", _AN500, 1.1, "fpv5-d16", like="cortex-m4f"),
            _cortex_m("cortex-m55", _AN547, 1.3, "auto", like="cortex-m4f"),
            RiscV("rv32imc", processor=("-march=rv32imc", "-mabi=ilp32"), cpi=2.1),
            RiscV("rv32ec", processor=("-march=rv32ec", "-mabi=ilp32e"), cpi=1.6, like="rv32imc"),
            # Both load constants as words, and branch by comparing two registers.
            Lx106("lx106", cpi=2.7, like="rv32imc"),
        )
    }
)
"""Every core; AVR as an ATmega2560, which has room for any test."""
