"""Cascades of second-order sections in fixed point, and what is proven of them.

A section of scipy's ``sos`` is computed in direct form I, with states of 32 bits and coefficients of 16.
Poles near 1 are what makes that hard: there a1 is almost -2, a2 almost 1, and what is left is the filter. So
sections hold ``k1 = 1 + a1 + a2`` and ``k2 = 1 - a2``, each at its own scale:
``y = y1 + d - k1 * y1 - k2 * d`` with ``d = y1 - y2``. Of poles nearer to -1 signs alternate. (The idea is
that of delta operators: R. Middleton and G. Goodwin, Digital Control and Estimation, 1990.)

Scales are by the L1 norm of impulse responses, the most that a signal within ±1 becomes (L. Jackson, "On the
interaction of roundoff noise and dynamic range in digital filters", 1970): no sum overflows, whatever comes.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.signal import sosfilt

from micromlgen.errors import UnsupportedError
from micromlgen.features._filtering import MOST_ERROR

Array = NDArray[Any]
_FULL_SCALE = 32768.0
#: Numbers between sections stay below this, their differences and sums of feeds in 32 bits.
_MOST, _MOST_SUM = 2.0**30, 2.0**31
#: What impulse responses must have decayed to, in bits, before they are cut; more where sections are many.
_DECAYED, _DECAYED_BY_SECTION = 40, 8
#: Poles nearer than this to the unit circle are not proven.
_NEAREST = 2.0**-15
_MOST_SHIFT = 46
#: Ratios of coefficients that are integers but for the rounding of a design.
_SAME = 1e-9


class Constant(NamedTuple):
    """``mantissa / 2**shift``: what is left of it, less its nearest integer, is int16."""

    mantissa: int
    shift: int

    @property
    def value(self) -> float:
        return self.mantissa * 2.0**-self.shift

    @property
    def whole(self) -> int:
        """The nearest integer; 0 where the shift is more than 16, and no more than a half is left."""
        return 0 if self.shift > 16 else (self.mantissa + (1 << self.shift >> 1) - 1) >> self.shift

    @property
    def fraction(self) -> int:
        """The rest, in units of ``2**-(16 + below)``: int16 but for one half, 2**15."""
        return (self.mantissa - (self.whole << self.shift)) << max(16 - self.shift, 0)

    @property
    def below(self) -> int:
        """More bits of it than 16."""
        return max(self.shift - 16, 0)

    @property
    def halvings(self) -> int:
        """How often the rest is a half of a half; 0 where it is something else."""
        bits = self.fraction.bit_length() - 1
        return 16 + self.below - bits if self.fraction > 0 and self.fraction == 1 << bits else 0


@dataclass(frozen=True)
class Section:
    """One section between scaled numbers.

    Parameters
    ----------
    feed : three int
        What the input and the two before it are multiplied with: small integers, or int16.
    gain : Constant or None
        Of the sum that these give; None: each product is shifted by `shift` and rounded by itself.
    shift : int
    rest : Constant or None
        What the middle one of small integers lacks.
    near_one : bool
        Whether the poles are nearer to 1 than to -1.
    k1, k2 : Constant
    """

    feed: tuple[int, int, int]
    gain: Constant | None
    shift: int
    near_one: bool
    k1: Constant
    k2: Constant
    rest: Constant | None = None

    @property
    def summed(self) -> Array:
        """What is multiplied by `gain`, or by 2**-shift, of the input and the two before."""
        rest = 0.0 if self.rest is None else self.rest.value
        return np.array([self.feed[0], self.feed[1] + rest, self.feed[2]])

    @property
    def numerator(self) -> Array:
        """b0, b1, b2 between scaled numbers."""
        return np.asarray(self.summed * (2.0**-self.shift if self.gain is None else self.gain.value))

    @property
    def denominator(self) -> Array:
        """1, a1, a2."""
        a1 = self.k1.value + self.k2.value - 2
        return np.array([1.0, a1 if self.near_one else -a1, 1 - self.k2.value])

    @property
    def feeds(self) -> tuple[Constant, Constant, Constant]:
        """What the input and the two before it are multiplied with, where there is no gain."""
        b0, b1, b2 = (Constant(factor, self.shift) for factor in self.feed)
        return b0, b1, b2

    @property
    def error(self) -> tuple[float, float]:
        """Middle of what roundings may add to an output, and how far it may be off that."""
        below = 1.0 if self.gain is not None else np.count_nonzero(self.feed)
        if self.rest is not None and self.gain is not None:
            below += abs(self.gain.value)  # its own rounding, multiplied
        low, high = (-below, 2) if self.near_one else (-below - 2, 0)
        return (low + high) / 2, (high - low) / 2


def constant(value: float) -> Constant:
    """The nearest with 16 bits of fraction, or of less than a half with 15 bits and a sign."""
    shift = 16 if abs(value) >= 0.5 else 15 - int(np.frexp(value)[1])
    mantissa = round(value * 2.0**shift)
    return (
        Constant(mantissa // 2, shift - 1)
        if abs(mantissa) == 1 << 15 and shift > 16
        else Constant(mantissa, shift)
    )


def _integers(b: Array) -> tuple[tuple[int, int, int], Constant | None] | None:
    """The ratios of a numerator to its first number as small integers, and what the middle one is beyond.

    Zeros at 1 and -1, as most designs have them, need integers alone; others on the unit circle the rest too.
    """
    if b[0] == 0:
        return None
    ratio = b / b[0]
    whole = np.rint(ratio)
    if np.abs(whole).max() > 2 or abs(ratio[2] - whole[2]) > _SAME:
        return None
    rest = ratio[1] - whole[1]
    return (1, int(whole[1]), int(whole[2])), None if abs(rest) <= _SAME else constant(rest)


@dataclass(frozen=True, eq=False)
class Cascade:
    """Sections in fixed point.

    Parameters
    ----------
    sections : sequence of Section
    bits : sequence of int
        Of the fraction of samples as they go in, and as each section gives them.
    exact : float64 array of shape (n_sections, 6)
        What they stand for.
    """

    sections: tuple[Section, ...]
    bits: tuple[int, ...]
    exact: Array

    @cached_property
    def realized(self) -> Array:
        """The same sos with the constants that there are."""
        scale = np.ldexp(1.0, -np.diff(self.bits))[:, None]
        numerators = np.stack([s.numerator for s in self.sections]) * scale
        return np.hstack([numerators, np.stack([s.denominator for s in self.sections])])

    @cached_property
    def coefficient_error(self) -> float:
        """Most that rounded constants change an output, in steps of samples."""
        n = _length(np.vstack([self.exact, self.realized]))
        off = _response(self.realized, n) - _response(self.exact, n)
        return float(np.abs(off).sum() * _FULL_SCALE)

    @cached_property
    def noise(self) -> Array:
        """Most that roundings change what each section gives, in its units: shape (n_sections,)."""
        n = _length(self.realized)
        out = np.zeros(len(self.sections))
        for i, section in enumerate(self.sections):
            h = np.eye(1, n)[0]
            middle, off = section.error
            for j in range(i, len(self.sections)):
                b = np.array([1.0, 0, 0]) if j == i else self.sections[j].numerator
                h = sosfilt(np.hstack([b, self.sections[j].denominator])[None], h)
                out[j] += off * np.abs(h).sum() + abs(middle) * np.abs(np.cumsum(h)).max()
        return out

    @cached_property
    def rounding_error(self) -> float:
        """Most that roundings change an output before it is itself rounded, in steps of samples."""
        return float(self.noise[-1] * 2.0 ** -self.bits[-1])

    @property
    def error(self) -> float:
        """Most that an output differs from float64, in steps of samples, where that is within int16."""
        return self.coefficient_error + self.rounding_error + 0.5

    @property
    def at_rest(self) -> int:
        """Most that is left, in steps of samples, of an output after zeros enough."""
        return int(np.floor(self.rounding_error + 0.5))

    @cached_property
    def largest(self) -> Array:
        """Most that each section gives, and the sums that gains multiply: shape (n_sections, 2), in 2**30."""
        h = np.eye(1, _length(self.realized))[0]
        before, out = 0.0, []
        for k, section in enumerate(self.sections):
            unit = _FULL_SCALE * 2.0 ** self.bits[k]
            fed = np.abs(section.summed) if section.gain is not None else np.zeros(3)
            sums = np.abs(np.convolve(h, section.summed)).sum() * unit if section.gain is not None else 0.0
            h = sosfilt(self.realized[k : k + 1], h)
            after = self.noise[k]
            given = np.abs(h).sum() * _FULL_SCALE * 2.0 ** self.bits[k + 1]
            out.append([(given + after) / _MOST, (sums + fed.sum() * before + 1) / _MOST])
            before = after
        return np.array(out)


def _length(sos: Array) -> int:
    """How many samples of an impulse response are more than nothing."""
    radius = _radius(sos)
    bits = _DECAYED + _DECAYED_BY_SECTION * len(sos)
    return 64 if radius == 0 else 64 + int(np.ceil(bits * np.log(2) / -np.log(radius)))


def _radius(sos: Array) -> float:
    """Largest magnitude of a pole."""
    return max(float(np.abs(np.roots(row[3:])).max(initial=0)) for row in sos)


def _response(sos: Array, n: int) -> Array:
    return np.asarray(sosfilt(sos, np.eye(1, n)[0]))


def cascade(sos: Any) -> Cascade:
    """Sections of scipy in fixed point.

    Parameters
    ----------
    sos : float64 array of shape (n_sections, 6)
        As scipy gives them, checked for shape and finite numbers.

    Raises
    ------
    UnsupportedError
        If the filter is not stable, or not within what 32 bits hold, or little is left of it in fixed point.
    """
    exact = np.asarray(sos, np.float64)
    _check_stable(exact, "")
    # Sections with exponents for unscaled numbers first: scales change shifts, and nothing else.
    plain = tuple(_section(row) for row in exact)
    bits = _bits(Cascade(plain, (0,) * (len(plain) + 1), exact))
    for _ in range(16):
        scaled = Cascade(tuple(map(_scaled, plain, exact, np.diff(bits).tolist())), tuple(bits), exact)
        over = scaled.largest >= [1.0, _MOST_SUM / _MOST]
        if not over.any():
            break
        for k in np.flatnonzero(over.any(axis=1)):  # with what roundings add
            bits[k + int(over[k, 0])] -= 1
    else:
        raise UnsupportedError(
            "IIRFilter: its sections cannot be scaled to 32 bits; use a design with fewer poles"
        )
    shifts = [
        c.shift for s in scaled.sections for c in (s.k1, s.k2, s.rest, s.gain or Constant(0, s.shift)) if c
    ]
    assert 0 <= bits[0] <= 15  # samples fill them
    if not 1 <= bits[-1] <= 30 or min(shifts) < 0 or max(shifts) > _MOST_SHIFT:
        raise UnsupportedError(
            "IIRFilter: gains of its sections are too far from 1 for 32 bits; use an sos[0, :3] with which "
            "signals come out about as large as they go in"
        )
    _check_stable(scaled.realized, " in fixed point")
    if scaled.error > MOST_ERROR:
        raise UnsupportedError(
            f"IIRFilter: outputs may be off by {scaled.error:.0f} steps of int16, what 32 bits round; use "
            "fewer poles, or a wider band, or filter at a lower sample rate: put FIRFilter(taps, "
            "decimation=...) before it"
        )
    return scaled


def _check_stable(sos: Array, where: str) -> None:
    radius = _radius(sos)
    if radius >= 1:
        raise UnsupportedError(
            f"IIRFilter: sos is not stable{where}: a pole has magnitude {radius:.6g}; use a design whose "
            "poles lie within the unit circle"
        )
    if radius > 1 - _NEAREST:
        raise UnsupportedError(
            f"IIRFilter: a pole has magnitude {radius:.8f}, too near to 1 for 32 bits; filter at a lower "
            "sample rate: put FIRFilter(taps, decimation=...) before it"
        )


def _section(row: Array) -> Section:
    b, a1, a2 = row[:3], row[4], row[5]
    near_one = bool(a1 <= 0)
    k1, k2 = constant(1 + a2 - abs(a1)), constant(1 - a2)
    ratios = _integers(b)
    if ratios is not None:
        gain = constant(b[0])
        return Section(ratios[0], gain, 0, near_one, k1, k2, ratios[1])
    shift = 15 - int(np.frexp(np.abs(b).max())[1])
    feed = np.rint(b * 2.0**shift).astype(int)
    return Section((int(feed[0]), int(feed[1]), int(feed[2])), None, shift, near_one, k1, k2)


def _scaled(section: Section, row: Array, up: int) -> Section:
    """The section where numbers get so many more bits of fraction."""
    if section.gain is None:
        return replace(section, shift=section.shift - up)
    return replace(section, gain=constant(row[0] * 2.0**up))


def _bits(plain: Cascade) -> list[int]:
    """Fractions with which numbers fill 30 bits, and the sums that gains multiply 31."""
    h = np.eye(1, _length(plain.realized))[0]
    out = []
    for k in range(len(plain.sections) + 1):
        most = np.abs(h).sum() * _FULL_SCALE / _MOST
        if k < len(plain.sections):
            section = plain.sections[k]
            if section.gain is not None:
                most = max(most, np.abs(np.convolve(h, section.summed)).sum() * _FULL_SCALE / _MOST_SUM)
            h = sosfilt(plain.realized[k : k + 1], h)
        if most == 0:
            raise UnsupportedError("IIRFilter: a section gives nothing but zeros; leave it out")
        out.append(-int(np.ceil(np.log2(most * (1 + 1e-9)))))
    return out
