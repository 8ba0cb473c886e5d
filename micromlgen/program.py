"""What `transpile` returns: the header, its twin in Python, and ways to measure it."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from micromlgen import cformat, methods
from micromlgen.boards import board
from micromlgen.companion import companion
from micromlgen.errors import UnsupportedError
from micromlgen.footprint import Footprint, StreamFootprint, footprint, rows_measured, stream_footprint
from micromlgen.ir import Model
from micromlgen.layouts import layout_files, project_files, write
from micromlgen.lossy import Compression
from micromlgen.quantize import check_rows
from micromlgen.streams import Stream
from micromlgen.verify import Report, verify_header

Array = NDArray[Any]


@dataclass(frozen=True, eq=False)
class Program:
    """A model as a header, and as the NumPy twin that says what the header's C must compute."""

    #: Text of the header, as `port` returns it.
    header: str = field(repr=False)
    name: cformat.Name
    model: Model = field(repr=False)
    layout: str
    estimator: Any
    #: Rows given as `calibration`, float32 of shape (n_rows, n_features).
    calibration: NDArray[np.float32] | None = field(repr=False)

    @property
    def compression(self) -> Compression | None:
        """What `compress` gave up and what that costs; None where the model is exact."""
        return self.model.compression

    def quantize(self, X: Any) -> Array:
        """Raw features, shape (n, n_features), as what the C takes: float32, int16 or int8 of that shape.

        Raises
        ------
        UnsupportedError
            If the shape is wrong, X is infinite, or has NaN that this header does not follow.
        """
        return self.model.input.encode(check_rows(X, self.model.input, "X"))

    def predict_index(self, Q: Any) -> Array:
        """What the C's predict returns for encoded rows Q, bit for bit.

        Parameters
        ----------
        Q : array of shape (n, n_features), dtype of `quantize`'s result

        Returns
        -------
        array of shape (n,), or (n, n_outputs) where there are several outputs
            Classifiers: int32 indices into `classes_`. Regressors: float32, or in integer modes int32 in
            units of `<NAME>_OUTPUT_SCALE`. Outlier detectors: +1 or -1.

        Raises
        ------
        UnsupportedError
            If Q is of another shape or dtype.
        """
        rows = np.asarray(Q)
        if (
            rows.ndim != 2
            or rows.shape[1] != self.model.input.n_features
            or rows.dtype != self.model.input.dtype
        ):
            raise UnsupportedError(
                f"Q has shape {rows.shape} and dtype {rows.dtype}; {self.model.input.dtype} of shape "
                f"(n_rows, {self.model.input.n_features}) is needed: call quantize(X) first"
            )
        return self.model.predict(rows)

    def predict(self, X: Any) -> Array:
        """scikit-learn's predict, computed as the C computes it.

        Parameters
        ----------
        X : array of shape (n, n_features), raw features

        Returns
        -------
        array of shape (n,) or (n, n_outputs): values of `classes_`, or float64 predictions.
        """
        return self.model.decode(self.predict_index(self.quantize(X)))

    def stream(self, recording: Any, method: str = "predict") -> Any:
        """What the C's stream answers to a recording, window after window, as `predict` does to rows.

        Filters at the beginning of a Pipeline run on from the first sample to the last; a `Windower` tells
        the length and the hop of windows, else they are as long as a row, one after another.

        Parameters
        ----------
        recording : int16 array of shape (n_samples,) or (n_samples, n_channels)
        method : {"predict", "predict_proba", "decision_function", "score_samples", "transform"}
            What is asked of each window: in C ``<name>_stream_predict`` and so on.

        Returns
        -------
        array of shape (n_windows,) or (n_windows, ...), as the method of that name gives it

        Raises
        ------
        UnsupportedError
            If the model does not take samples, has no such method, or the recording is no such array.
        """
        stream = self._stream()
        if method not in methods.METHODS:
            raise UnsupportedError(f"method={method!r}: use one of {', '.join(methods.METHODS)}")
        return stream.answers(recording, methods.METHODS[method])

    def _stream(self) -> Stream[Model]:
        stream = self.model.streamed()
        if stream is None:
            raise UnsupportedError(f"{self.model.source} takes features, not samples: it has no stream")
        return stream

    def predict_proba(self, X: Any) -> Any:
        """scikit-learn's predict_proba: float64 of shape (n, n_classes); a list of them for several outputs.

        Raises
        ------
        UnsupportedError
            If the model has no probabilities.
        """
        return methods.predict_proba(self.model, self.quantize(X))

    def transform(self, X: Any) -> Array:
        """scikit-learn's transform: float64 of shape (n, n_outputs).

        Raises
        ------
        UnsupportedError
            If the model is no transformer.
        """
        return methods.transform(self.model, self.quantize(X))

    def decision_function(self, X: Any) -> Array:
        """scikit-learn's decision_function: float64 of shape (n,), or (n, n_decisions).

        Raises
        ------
        UnsupportedError
            If the model has none.
        """
        return methods.decision_function(self.model, self.quantize(X))

    def score_samples(self, X: Any) -> Array:
        """scikit-learn's score_samples: float64 of shape (n,).

        Raises
        ------
        UnsupportedError
            If the model has none.
        """
        return methods.score_samples(self.model, self.quantize(X))

    def verify(self, X: Any, progress: bool | None = None) -> Report:
        """Compile the header on this host and compare C, twin and estimator on X and on boundary inputs.

        Parameters
        ----------
        X : array of shape (n, n_features), raw features
        progress : bool, optional
            Show a progress bar; by default where it takes long and a terminal watches.
        """
        rows = check_rows(X, self.model.input, "X")
        return verify_header(self.model, self.estimator, self.header, self.name, rows, progress)

    def footprint(self, board_name: str, X: Any = None) -> Footprint:
        """Flash, RAM, stack and cycles, measured on the simulator of the board's core.

        Parameters
        ----------
        board_name : str
            One of `micromlgen.boards.boards()`.
        X : array of shape (n, n_features), optional
            Rows to average cycles over; by default the calibration rows, else boundary inputs.
        """
        rows = self.calibration if X is None else check_rows(X, self.model.input, "X")
        return footprint(self.model, self.header, self.name, board(board_name), rows)

    def stream_footprint(self, board_name: str, recording: Any = None) -> StreamFootprint:
        """What the header's stream costs: flash, RAM and stack, cycles of a sample, an answer, and a hop.

        Parameters
        ----------
        board_name : str
            One of `micromlgen.boards.boards()`.
        recording : int16 array of shape (n_samples,) or (n_samples, n_channels), optional
            Its first windows, up to four, are measured; by default the calibration rows, else boundary
            inputs, one after another.

        Raises
        ------
        UnsupportedError
            If the model does not take samples, or the recording is no such array or too short.
        """
        stream = self._stream()
        if recording is None:
            rows = rows_measured(self.model, self.calibration).astype(np.int16).reshape(-1, stream.n_channels)
            least = (stream.length + stream.hop) * stream.decimation
            recording = np.tile(rows, (-(-least // len(rows)), 1))
        return stream_footprint(stream, self.header, self.name, board(board_name), recording)

    def save(self, path: str | Path, layout: str = "header", force: bool = False) -> Path:
        """Write the header, alone or as a library; returns the file that a sketch includes.

        Where calibration rows are known, ``<name>.json`` beside the header tells what they look like: the
        companion file, for `micromlgen monitor`.

        Parameters
        ----------
        path : str or Path
            A folder, made if need be; of layout "header" also a file. Nothing is written outside of it.
        layout : {"header", "split", "arduino", "platformio", "zephyr", "cmake", "esp-idf"}
            "header": ``<name>.h``. "split": ``<name>.h`` to include wherever it is needed, and ``<name>.c``
            with the tables. The others: the same two files within an Arduino or PlatformIO library, a Zephyr
            module, a CMake target, an ESP-IDF component.
        force : bool
            Replace files that are there with other contents.

        Raises
        ------
        UnsupportedError
            If there is no such layout.
        OverwriteError
            If files would be replaced, and not `force`; none is written.
        """
        target, companion_text = Path(path), self._companion()
        if layout != "header":
            files = layout_files(layout, self.model, self.header, self.name, companion_text)
            write(target, files, force)
            return target / next(iter(files))
        if target.is_dir() or str(path).endswith(("/", "\\")):
            target = target / f"{self.name.snake}.h"
        files = {target.name: self.header}
        if companion_text is not None:
            files[target.with_suffix(".json").name] = companion_text
        write(target.parent, files, force)
        return target

    def new(
        self, folder: str | Path, kind: str = "arduino", check: bool = False, force: bool = False
    ) -> list[Path]:
        """Make a project around the model that builds and predicts; returns the files that were written.

        Parameters
        ----------
        folder : str or Path
            Its last part names the sketch.
        kind : {"arduino", "platformio", "zephyr", "cmake"}
        check : bool
            Answer the rows that `micromlgen check` sends; of kinds "arduino" and "platformio".
        force : bool
            Replace files that are there with other contents.

        Raises
        ------
        UnsupportedError, OverwriteError
            As `save`, and if the sketch may not be called so.
        """
        target = Path(folder)
        sketch = target.resolve().name
        files = project_files(kind, sketch, self.model, self.header, self.name, self._companion(), check)
        write(target, files, force)
        return [target / path for path in files]

    def _companion(self) -> str | None:
        """Text of the companion file, where rows of features are known."""
        if self.calibration is None:
            return None
        return companion(self.name.snake, self.model, self.calibration).text()
