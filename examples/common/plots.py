"""Plots of the examples, as PNG files without a date."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from numpy.typing import ArrayLike
from sklearn.metrics import ConfusionMatrixDisplay


@contextmanager
def figure(path: Path, width: float, height: float, **grid: Any) -> Iterator[Any]:
    """Give axes to draw on, `grid` as `Figure.subplots` takes it, and save them."""
    drawn = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(drawn)  # what sklearn.tree.plot_tree measures its texts with
    yield drawn.subplots(**grid)
    drawn.savefig(path, dpi=90, metadata={"Software": None})


def confusion(axes: Axes, truth: ArrayLike, answers: ArrayLike, labels: Sequence[str]) -> None:
    """Draw which answers were given to what."""
    shown = ConfusionMatrixDisplay.from_predictions(
        truth, answers, labels=labels, ax=axes, cmap="Blues", colorbar=False, xticks_rotation="vertical"
    )
    shown.ax_.set(xlabel="answer", ylabel="")
