"""Scalers, projections and selections of scikit-learn, as affine maps."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from micromlgen.affine import Affine
from micromlgen.convert import converts
from micromlgen.errors import UnsupportedError
from micromlgen.inputs import Input
from micromlgen.ir import Model, Transformer
from micromlgen.models._stage import zeros
from micromlgen.models.chain import chained
from micromlgen.models.clipping import Clipped
from micromlgen.models.transformers import AffineTransformer

Array = NDArray[Any]


def of_map(source: str, map: Affine) -> AffineTransformer:
    """A transformer that is this map.

    Raises
    ------
    UnsupportedError
        If nothing comes out, or a constant is not finite.
    """
    n_out, n_features = map.matrix.shape
    if n_out == 0:
        raise UnsupportedError(f"{source} gives no features; nothing can be ported")
    if not (np.isfinite(map.matrix).all() and np.isfinite(map.offset).all()):
        raise UnsupportedError(f"{source} has constants that are not finite; fit it on finite features")
    # Integers are finer around the middle than around zero, where it is known of all features.
    known = map.middle is not None and (map.spread is None or bool(np.isfinite(map.spread).all()))
    center = map.middle.astype(np.float32) if map.middle is not None and known else None
    return AffineTransformer(
        source=source, input=Input(n_features, center=center), span=zeros(n_out), map=map
    )


def identity(source: str, n_features: int) -> AffineTransformer:
    """Features as they are."""
    return of_map(source, Affine.selection(np.arange(n_features), n_features))


def _of(estimator: Any, map: Affine) -> AffineTransformer:
    return of_map(type(estimator).__name__, map)


def _dense(matrix: Any) -> NDArray[np.float64]:
    return np.asarray(matrix.toarray() if hasattr(matrix, "toarray") else matrix, np.float64)


@converts("sklearn.preprocessing.StandardScaler", "sklearn.preprocessing.RobustScaler")
def standard(estimator: Any) -> AffineTransformer:
    """Convert ``(x - mean_) / scale_``, of whose two parts either may be left out."""
    n = estimator.n_features_in_
    robust = type(estimator).__name__ == "RobustScaler"
    middle = (estimator.center_ if robust else estimator.mean_) if _centers(estimator) else None
    scale = np.ones(n) if estimator.scale_ is None else np.asarray(estimator.scale_, np.float64)
    center = np.zeros(n) if middle is None else np.asarray(middle, np.float64)
    about = None if middle is None else center, None if estimator.scale_ is None else scale
    return _of(estimator, Affine.elementwise(1 / scale, -center / scale, *about))


def _centers(estimator: Any) -> bool:
    return bool(getattr(estimator, "with_mean", getattr(estimator, "with_centering", False)))


def clipped(scaled: AffineTransformer, limits: Sequence[float]) -> Transformer:
    """A scaler whose outputs stay within two limits."""
    n = scaled.n_outputs
    clip = Clipped(
        source=scaled.source, input=Input(n), span=zeros(n), lowest=float(limits[0]), highest=float(limits[1])
    )
    chain = chained([scaled], clip, scaled.source)
    assert isinstance(chain, Transformer)
    return chain


@converts("sklearn.preprocessing.MaxAbsScaler")
def max_abs(estimator: Any) -> Transformer:
    """Convert ``x / scale_``."""
    scaled = _of(estimator, Affine.elementwise(1 / estimator.scale_, np.zeros(len(estimator.scale_))))
    return clipped(scaled, (-1.0, 1.0)) if getattr(estimator, "clip", False) else scaled


@converts("sklearn.preprocessing.MinMaxScaler")
def min_max(estimator: Any) -> Transformer:
    """Convert ``x * scale_ + min_``."""
    lowest, highest = estimator.data_min_, estimator.data_max_
    around = np.where(highest > lowest, (highest - lowest) / 2, 1.0)
    about = (lowest + highest) / 2, around
    scaled = _of(estimator, Affine.elementwise(estimator.scale_, estimator.min_, *about))
    return clipped(scaled, estimator.feature_range) if estimator.clip else scaled


@converts("sklearn.decomposition.PCA", "sklearn.decomposition.IncrementalPCA")
def pca(estimator: Any) -> AffineTransformer:
    """Convert ``components_ @ (x - mean_)``, with whiten over the standard deviations."""
    components = np.asarray(estimator.components_, np.float64)
    variance = np.asarray(estimator.explained_variance_, np.float64)
    spread = np.sqrt(variance @ components**2 + max(float(estimator.noise_variance_), 0.0))
    if estimator.whiten:
        least = np.finfo(estimator.explained_variance_.dtype).eps
        components = components / np.maximum(np.sqrt(variance), least)[:, None]
    return _around(estimator, components, estimator.mean_, spread)


def _around(estimator: Any, matrix: Any, middle: Any, spread: Any = None) -> AffineTransformer:
    """``matrix @ (x - middle)``."""
    rows = _dense(matrix)
    center = np.zeros(rows.shape[1]) if middle is None else np.asarray(middle, np.float64)
    about = (None, None) if spread is None else (center, spread)
    return _of(estimator, Affine(rows, -rows @ center, *about))


def _seen_back(matrix: NDArray[np.float64]) -> NDArray[np.float64]:
    """How far features are spread, at least, whose products with the rows of a matrix have variance 1."""
    return np.asarray(np.sqrt((np.linalg.pinv(matrix) ** 2).sum(axis=1)))


@converts("sklearn.decomposition.TruncatedSVD")
def svd(estimator: Any) -> AffineTransformer:
    """Convert ``components_ @ x``."""
    return _around(estimator, estimator.components_, None)


@converts("sklearn.decomposition.FastICA")
def ica(estimator: Any) -> AffineTransformer:
    """Convert ``components_ @ (x - mean_)``."""
    if not estimator.whiten:
        return _around(estimator, estimator.components_, None)
    return _around(estimator, estimator.components_, estimator.mean_, _seen_back(estimator.components_))


@converts("sklearn.decomposition.FactorAnalysis")
def factors(estimator: Any) -> AffineTransformer:
    """Convert the posterior mean of the factors, which is linear in x."""
    loadings = estimator.components_
    weighted = loadings / estimator.noise_variance_
    covariance = np.linalg.inv(np.eye(len(loadings)) + weighted @ loadings.T)
    spread = np.sqrt((loadings**2).sum(axis=0) + estimator.noise_variance_)
    return _around(estimator, covariance @ weighted, estimator.mean_, spread)


@converts("sklearn.decomposition.SparsePCA", "sklearn.decomposition.MiniBatchSparsePCA")
def sparse_pca(estimator: Any) -> AffineTransformer:
    """Convert a ridge regression on the components, which is linear in x."""
    components = np.asarray(estimator.components_, np.float64)
    gram = components @ components.T + float(estimator.ridge_alpha) * np.eye(len(components))
    return _around(estimator, np.linalg.solve(gram, components), estimator.mean_)


@converts("sklearn.cross_decomposition.PLSSVD")
def singular(estimator: Any) -> AffineTransformer:
    """Convert the projection of the standardised features."""
    rows = np.asarray(estimator.x_weights_, np.float64).T / estimator._x_std
    return _around(estimator, rows, estimator._x_mean, estimator._x_std)


@converts("sklearn.neighbors.NeighborhoodComponentsAnalysis")
def nca(estimator: Any) -> AffineTransformer:
    """Convert ``components_ @ x``."""
    return _around(estimator, estimator.components_, None)


def discriminant(estimator: Any) -> AffineTransformer:
    """Convert the `transform` of a LinearDiscriminantAnalysis, which behind other steps is a classifier.

    Raises
    ------
    UnsupportedError
        If its solver has no transform.
    """
    if estimator.solver == "lsqr":
        raise UnsupportedError(
            "LinearDiscriminantAnalysis(solver='lsqr') does not transform; use solver='svd' or 'eigen'"
        )
    rows = np.asarray(estimator.scalings_, np.float64).T[: estimator._max_components]
    middle = estimator.priors_ @ estimator.means_
    offset = -rows @ estimator.xbar_ if estimator.solver == "svd" else np.zeros(len(rows))
    # Within classes their variance is 1.
    return _of(estimator, Affine(rows, offset, middle, _seen_back(rows)))


@converts(
    "sklearn.random_projection.GaussianRandomProjection", "sklearn.random_projection.SparseRandomProjection"
)
def random_projection(estimator: Any) -> AffineTransformer:
    """Convert ``components_ @ x``."""
    return _around(estimator, estimator.components_, None)


@converts("sklearn.cluster.FeatureAgglomeration")
def agglomeration(estimator: Any) -> AffineTransformer:
    """Convert means of features that are alike.

    Raises
    ------
    UnsupportedError
        If they are pooled by anything but their mean.
    """
    if estimator.pooling_func is not np.mean:
        raise UnsupportedError("FeatureAgglomeration pools by numpy.mean only here; fit it with that")
    _, label = np.unique(estimator.labels_, return_inverse=True)
    member = label[None, :] == np.arange(label.max() + 1)[:, None]
    return _around(estimator, member / member.sum(axis=1, keepdims=True), None)


@converts(
    "sklearn.feature_selection.GenericUnivariateSelect",
    "sklearn.feature_selection.SelectFdr",
    "sklearn.feature_selection.SelectFpr",
    "sklearn.feature_selection.SelectFromModel",
    "sklearn.feature_selection.SelectFwe",
    "sklearn.feature_selection.SelectKBest",
    "sklearn.feature_selection.SelectPercentile",
    "sklearn.feature_selection.SequentialFeatureSelector",
    "sklearn.feature_selection.VarianceThreshold",
)
def selection(estimator: Any) -> AffineTransformer:
    """Convert what keeps some features as they are."""
    support = np.asarray(estimator.get_support())
    return _of(estimator, Affine.selection(np.flatnonzero(support), len(support)))


#: Estimators that predict as the last step, and transform before others.
TRANSFORM: dict[str, Callable[[Any], Model]] = {
    "LinearDiscriminantAnalysis": discriminant,
    "RFE": selection,
    "RFECV": selection,
}
