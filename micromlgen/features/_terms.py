"""What the parameters of Statistics ask for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from micromlgen.errors import UnsupportedError
from micromlgen.features._extractor import chosen
from micromlgen.features._statistic import STATISTICS

#: Of all channels together, behind those of each.
TOGETHER = ("sma", "correlation")


class Term(NamedTuple):
    """A statistic of a channel, with the argument of those that have one."""

    feature: str
    arguments: tuple[float, ...] = ()

    @property
    def name(self) -> str:
        """As `features` has it, with the quantile or the lag."""
        named = self.feature in ("quantile", "autocorrelation")
        return f"{self.feature}_{self.arguments[0]:g}" if named else self.feature


def terms_of(given: Mapping[str, Any]) -> tuple[tuple[Term, ...], tuple[str, ...]]:
    """Statistics of each channel, and those of all together.

    Raises
    ------
    UnsupportedError
        If a parameter is unfit.
    """
    features = chosen(given["features"], (*STATISTICS, *TOGETHER), "Statistics")
    terms: list[Term] = []
    for feature in features:
        if feature == "quantile":
            terms += [Term(feature, (q,)) for q in _quantiles(given["quantiles"])]
        elif feature == "autocorrelation":
            terms += [Term(feature, (lag,)) for lag in _lags(given["lags"])]
        elif feature == "entropy":
            terms.append(Term(feature, (_bins(given["bins"]),)))
        elif feature in STATISTICS:
            terms.append(Term(feature))
    return tuple(terms), tuple(feature for feature in features if feature in TOGETHER)


def is_integer(value: Any) -> bool:
    """Of Python or NumPy; no bool."""
    return isinstance(value, int | np.integer) and not isinstance(value, bool)


def _quantiles(given: Any) -> list[float]:
    each = list(np.atleast_1d(np.asarray(given, object)))
    numbers = all(isinstance(q, float | np.floating) or is_integer(q) for q in each)
    if (
        not each
        or not numbers
        or not all(0 <= q <= 1 for q in each)
        or len({f"{q:g}" for q in each}) < len(each)
    ):
        raise UnsupportedError(f"Statistics: quantiles={given!r}: numbers from 0 to 1, each once, are needed")
    return [float(q) for q in each]


def _lags(given: Any) -> list[int]:
    each = list(np.atleast_1d(np.asarray(given, object)))
    if not each or not all(is_integer(lag) and lag >= 1 for lag in each) or len(set(each)) < len(each):
        raise UnsupportedError(f"Statistics: lags={given!r}: integers from 1, each once, are needed")
    return [int(lag) for lag in each]


def _bins(given: Any) -> int:
    if not is_integer(given) or not 2 <= given <= 256:
        raise UnsupportedError(f"Statistics: bins={given!r}; an integer from 2 to 256 is needed")
    return int(given)
