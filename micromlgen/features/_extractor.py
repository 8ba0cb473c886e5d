"""What all feature extractors are: scikit-learn transformers of int16 windows, defined in integers."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Collection
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, TransformerMixin

from micromlgen.errors import UnsupportedError
from micromlgen.extraction import Extraction
from micromlgen.samples import check_samples

Array = NDArray[Any]


def chosen(features: Any, known: Collection[str], what: str) -> tuple[str, ...]:
    """Names of features out of those that are known: one, or a sequence of them.

    Raises
    ------
    UnsupportedError
        With `what` named, if it is neither, or a name is unknown, or there twice.
    """
    names = (features,) if isinstance(features, str) else features
    if not isinstance(names, Collection):
        raise UnsupportedError(f"{what}: features={features!r}; a list of names is needed")
    for name in names:
        if name not in known:
            raise UnsupportedError(f"{what}: {name!r} is none of {', '.join(known)}")
    if len(set(names)) < len(names) or not names:
        raise UnsupportedError(f"{what}: name each feature once, and at least one")
    return tuple(names)


class Extractor(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Features of windows of int16 samples, as integers that are the same in Python and on the board.

    There is nothing to fit: parameters define an extractor. `fit` only keeps the length of windows.
    """

    #: Tells pipelines, and what ports them, that this comes first.
    takes_samples = True

    @abstractmethod
    def extraction(self, n_samples: int | None = None) -> Extraction:
        """The integer definition, by which `transform` and the C are made.

        Parameters
        ----------
        n_samples : int, optional
            Length of a window; by default that of `fit`, or what the parameters tell.

        Raises
        ------
        UnsupportedError
            If a parameter, or the length, is unfit.
        """

    @abstractmethod
    def _reference(self, samples: NDArray[np.float64]) -> NDArray[np.float64]:
        """As `reference`, of windows that were checked."""

    def fit(self, X: Any, y: Any = None) -> Self:
        """Keep the length of the windows; X: int16 of shape (n_windows, n_samples).

        Raises
        ------
        UnsupportedError
            If X is no array of int16 samples, or a parameter is unfit.
        """
        n_samples = check_samples(X, None, f"{type(self).__name__}: X").shape[1]
        self.extraction(n_samples)
        self.n_features_in_ = n_samples
        return self

    def __sklearn_is_fitted__(self) -> bool:
        return True

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.requires_fit = False
        tags.transformer_tags.preserves_dtype = []
        return tags

    def _checked(self, X: Any) -> tuple[Extraction, NDArray[np.int16]]:
        known = getattr(self, "n_features_in_", None)
        samples = check_samples(X, known, f"{type(self).__name__}: X")
        return self.extraction(samples.shape[1]), samples

    def transform(self, X: Any) -> Array:
        """The integers that the C gives, bit for bit.

        Parameters
        ----------
        X : int16 array of shape (n_windows, n_samples)
            Integers of other types are taken where all fit.

        Returns
        -------
        int16 or int32 array of shape (n_windows, n_features)

        Raises
        ------
        UnsupportedError
            If X is no such array.
        """
        extraction, samples = self._checked(X)
        return extraction.predict(samples)

    def dequantize(self, Y: Any) -> NDArray[np.float64]:
        """What `transform` gave, in the units of `reference`: float64 of the same shape.

        Raises
        ------
        UnsupportedError
            If Y is of another shape than `transform` gives.
        """
        extraction = self.extraction()
        returned = np.asarray(Y)
        if returned.ndim != 2 or returned.shape[1] != extraction.n_outputs:
            raise UnsupportedError(
                f"{type(self).__name__}: Y has shape {returned.shape}; (n_windows, {extraction.n_outputs}) "
                "is needed, as transform gives it"
            )
        return extraction.dequantize(returned)

    def reference(self, X: Any) -> NDArray[np.float64]:
        """The definition in float64, of which `transform` is the form in integers.

        Parameters and errors are those of `transform`.
        """
        _, samples = self._checked(X)
        return self._reference(samples.astype(np.float64))

    def get_feature_names_out(self, input_features: Any = None) -> Array:
        """Names of the features, as an array of objects."""
        return np.asarray(self.extraction().names(), object)
