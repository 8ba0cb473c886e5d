"""From a fitted estimator to its header: the steps in their order, and the calls that users make."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from micromlgen import cformat
from micromlgen.banner import banner
from micromlgen.boards import board
from micromlgen.compress import check_floor, compressed
from micromlgen.convert import convert
from micromlgen.errors import AgreementError, UnsupportedError
from micromlgen.ir import Classifier, Model, Regressor
from micromlgen.plan import plan
from micromlgen.program import Program
from micromlgen.quantize import check_rows, quantize
from micromlgen.render import check_classmap, render
from micromlgen.verify import Report, agreement


def transpile(
    estimator: Any,
    *,
    name: str | None = None,
    dtype: str = "float32",
    calibration: Any = None,
    optimize: str = "balanced",
    target: str | None = None,
    missing: str | None = None,
    min_agreement: float = 0.99,
    compress: float | None = None,
    weights: str | None = None,
    classmap: Mapping[int, str] | None = None,
) -> Program:
    """Turn a fitted estimator into a `Program`.

    Parameters
    ----------
    estimator : fitted scikit-learn estimator
    name : str, optional
        C identifier: functions are `<name>_predict` and so on. By default the estimator's class name without
        "Classifier", as micromlgen 1.x did.
    dtype : {"float32", "int16", "int8", "auto"}
        What the C takes and computes in; "auto": the narrowest that agrees with the estimator on
        `min_agreement` of the calibration rows.
    calibration : array of shape (n_rows, n_features), optional
        Typical rows: they set the scales of integer modes, and the agreement is measured on them.
    optimize : {"balanced", "size", "speed"}
    target : str, optional
        A board: plan for it alone, and refuse what does not fit it. By default the header suits every core.
    missing : {"exact", "never"}, optional
        Follow missing values as scikit-learn does, or not at all (smaller). By default "exact" where the
        model was trained with NaN.
    min_agreement : float
        Least share of calibration rows on which an integer model must agree with the estimator.
    compress : float, optional
        Give up exactness for size, for trees and ensembles of them: prune, share thresholds and leaf values
        as far as the model still gives the estimator's answer on this share of the calibration rows (of a
        regressor: within 1 % of the span of its answers on them). In place of `min_agreement`. Classifiers by
        k neighbours keep fewer training rows, and the nearest of them decides.
        `Program.compression` tells what was done. Rows that the estimator was not trained on are the better
        measure.
    weights : {"int8", "int16"}, optional
        Integer modes: width of the constants that features are multiplied with. By default the narrowest
        that loses nothing on the calibration rows and hardly anything between them.
    classmap : dict, optional
        1.x: texts for class indices, instead of the labels.

    Raises
    ------
    UnsupportedError
        If the estimator, an option or the name cannot be ported; the message says what to do.
    AgreementError
        If an integer model agrees with the estimator on less than `min_agreement` of the calibration rows,
        or on less than `compress` even before anything is given up.
    """
    if not isinstance(min_agreement, (int, float)) or not 0 <= min_agreement <= 1:
        raise UnsupportedError(f"min_agreement={min_agreement!r}: a share between 0 and 1 is needed")
    check_floor(compress)
    exact = convert(estimator, missing)
    n_classes = max(exact.n_classes) if isinstance(exact, Classifier) else 0
    texts = check_classmap({} if classmap is None else classmap, n_classes)
    spelled = cformat.make_name(name if name is not None else exact.source.removesuffix("Classifier"))
    rows = None if calibration is None else check_rows(calibration, exact.input, "calibration")
    if dtype == "auto":
        dtype = _narrowest(exact, estimator, rows, weights, min_agreement)
    chosen = exact if compress is None else compressed(exact, estimator, dtype, rows, compress)
    model = quantize(chosen, dtype, rows, weights)
    on = None if target is None else board(target)
    layouts = plan(model.layouts(), optimize, on.core.name if on else None, on.flash if on else None)
    agreed = None
    if model.input.is_integer and rows is not None:
        agreed = agreement(model, estimator, rows)
        if compress is None and agreed < min_agreement:
            scaled = "the features and the targets" if isinstance(model, Regressor) else "the features"
            raise AgreementError(
                f"dtype={dtype!r} agrees with {model.source} on {agreed:.4f} of the calibration rows, "
                f"less than min_agreement={min_agreement}{model.loses and f'; {model.loses}'}; use a wider "
                f"dtype, or scale {scaled} before training"
            )
    top = banner(model, layouts, spelled, agreed, on.title if on else None)
    return Program(
        header=render(model, layouts, spelled, top, texts),
        name=spelled,
        model=model,
        layout=" on AVR, else ".join(x.name for _, x in layouts),
        estimator=estimator,
        calibration=rows,
    )


def _narrowest(
    exact: Model, estimator: Any, rows: NDArray[np.float32] | None, weights: str | None, least: float
) -> str:
    """The narrowest dtype whose model agrees with the estimator on this share of the rows, or float32."""
    if rows is None:
        raise UnsupportedError("dtype='auto' needs calibration=X: typical rows tell which dtype is enough")
    for dtype in ("int8", "int16"):
        try:
            if agreement(quantize(exact, dtype, rows, weights), estimator, rows) >= least:
                return dtype
        except UnsupportedError:  # a wider one may be supported
            continue
    return "float32"


def port(
    estimator: Any,
    classname: str | None = None,
    classmap: Mapping[int, str] | None = None,
    platform: str = "arduino",
    precision: int | None = None,
    **options: Any,
) -> str:
    """Text of the C/C++ header: `transpile(estimator, **options).header`.

    The first five parameters are micromlgen 1.x's. `platform` is accepted for its sake, since a header suits
    every core, and so is `precision`, since numbers are always exact.

    Raises
    ------
    UnsupportedError, AgreementError
        As `transpile`; also if both `classname` and `name` are given, or `platform` is unknown.
    """
    if platform not in ("arduino", "attiny"):
        raise UnsupportedError(f"platform={platform!r}: use 'arduino' or 'attiny', or target= with a board")
    if precision is not None and (type(precision) is not int or precision < 0):
        raise UnsupportedError(f"precision={precision!r} is not a number of decimals")
    if classname is not None:
        if options.get("name") is not None:
            raise UnsupportedError("give either name or classname, not both")
        options["name"] = classname
    return transpile(estimator, classmap=classmap, **options).header


def verify(estimator: Any, X: Any, progress: bool | None = None, **options: Any) -> Report:
    """Transpile `estimator` with `options` and prove the header on X: `transpile(...).verify(X)`."""
    return transpile(estimator, **options).verify(X, progress)
