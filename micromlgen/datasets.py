"""micromlgen 1.x's data sets as C++ headers: rows to test a classifier with on the board, or to train one."""

from __future__ import annotations

from typing import Any

import numpy as np

from micromlgen import cformat
from micromlgen.errors import UnsupportedError
from micromlgen.render import render_text
from micromlgen.tables import index_for, narrow


def port_wifi_indoor_positioning(samples: Any) -> Any:
    """Refuse what 1.x made of scans of networks.

    Raises
    ------
    UnsupportedError
        Always; it says what to do.
    """
    raise UnsupportedError(
        "port_wifi_indoor_positioning is not ported; fit a classifier, a RandomForestClassifier or "
        "KNeighborsClassifier, on the signal strengths (a column for each network, 0 where it is not seen), "
        "port that with classmap={index: location}, and fill x from the scan in the sketch"
    )


def port_testset(X: Any, y: Any, classname: str = "TestSet") -> str:
    """Header with the class `Eloquent::ML::Test::<classname>`, to measure a classifier with.

    Its `test(clf)` predicts every row and counts; `accuracy()`, `precision()`, `recall()`, `specificity()`
    and `support()` tell, with the classes above 0 as positive, and so does `dump()` on an Arduino.

    Parameters
    ----------
    X : array of shape (n_rows, n_features)
        Kept in flash as float32.
    y : array of shape (n_rows,)
        Class indices: integers.
    classname : str

    Raises
    ------
    UnsupportedError
        If the shapes differ, X is not finite, y holds no integers, or the name is none of C++.
    """
    return _render("testset", X, y, classname)


def port_trainset(X: Any, y: Any, classname: str = "TrainSet") -> str:
    """Header with the class `Eloquent::ML::Train::<classname>`, whose `fit(&clf)` trains on the board.

    It calls ``clf->fit(x, y, n_rows)`` of a library that learns there, on rows in RAM, as that takes them.

    Parameters
    ----------
    X : array of shape (n_rows, n_features)
    y : array of shape (n_rows,)
        Class indices: integers.
    classname : str

    Raises
    ------
    UnsupportedError
        As `port_testset`.
    """
    return _render("trainset", X, y, classname)


def _render(template: str, X: Any, y: Any, classname: str) -> str:
    name = cformat.make_name(classname)
    try:
        rows, labels = np.asarray(X, np.float32), np.asarray(y)
    except (TypeError, ValueError) as error:
        raise UnsupportedError(f"X is not an array of numbers: {error}") from error
    if rows.ndim != 2 or 0 in rows.shape or labels.shape != rows.shape[:1]:
        raise UnsupportedError(
            f"X has shape {rows.shape}, y has {labels.shape}; (n, n_features) and (n,) fit"
        )
    if not np.isfinite(rows).all():
        raise UnsupportedError("X has NaN or infinite values (or beyond float32)")
    if labels.dtype.kind not in "iub" or np.abs(labels.astype(float)).max() > np.iinfo(np.int16).max:
        raise UnsupportedError("y must hold class indices: integers of 16 bits; use LabelEncoder")
    return render_text(
        template,
        name=name,
        rows=rows,
        labels=labels.astype(np.int16),
        narrow_labels=narrow(labels.astype(np.int16)),
        index=index_for(len(rows)),
    )
