"""Estimators that no header can have, and what to train instead."""

from __future__ import annotations

from collections.abc import Mapping

from micromlgen.convert import refuses

_LABELS = "it has no rule for new rows; use KMeans, or fit a KNeighborsClassifier on its labels_"
_CENTRES = "use KMeans with init=its cluster centers"
_EMBEDDED = "use PCA or KernelPCA"
_SOLVES = "it solves a problem for each row; use PCA, TruncatedSVD or SparsePCA"
_COVARIANCE = "it predicts nothing; use EllipticEnvelope or GaussianMixture"
_TEXTS = "it makes numbers of texts; compute them in the sketch, and fit a Pipeline on the numbers"
_TARGETS = "it transforms targets, not features; use it before training: a header has the labels itself"
_CONSTANT = "it always gives the same answer; write it into the sketch"
_NEIGHBOURS = "use KNeighborsClassifier or KNeighborsRegressor"
_SPREAD = "use KNeighborsClassifier, fitted on its transduction_"
_APPROXIMATE = "use Nystroem or RBFSampler"

#: By import path.
REMEDIES: Mapping[str, str] = {
    "sklearn.cluster.AgglomerativeClustering": _LABELS,
    "sklearn.cluster.Birch": _CENTRES,
    "sklearn.cluster.BisectingKMeans": _CENTRES,
    "sklearn.cluster.DBSCAN": _LABELS,
    "sklearn.cluster.HDBSCAN": _LABELS,
    "sklearn.cluster.OPTICS": _LABELS,
    "sklearn.cluster.SpectralBiclustering": _LABELS,
    "sklearn.cluster.SpectralClustering": _LABELS,
    "sklearn.cluster.SpectralCoclustering": _LABELS,
    "sklearn.covariance.EmpiricalCovariance": _COVARIANCE,
    "sklearn.covariance.GraphicalLasso": _COVARIANCE,
    "sklearn.covariance.GraphicalLassoCV": _COVARIANCE,
    "sklearn.covariance.LedoitWolf": _COVARIANCE,
    "sklearn.covariance.MinCovDet": _COVARIANCE,
    "sklearn.covariance.OAS": _COVARIANCE,
    "sklearn.covariance.ShrunkCovariance": _COVARIANCE,
    "sklearn.decomposition.DictionaryLearning": _SOLVES,
    "sklearn.decomposition.LatentDirichletAllocation": _SOLVES,
    "sklearn.decomposition.MiniBatchDictionaryLearning": _SOLVES,
    "sklearn.decomposition.MiniBatchNMF": _SOLVES,
    "sklearn.decomposition.NMF": _SOLVES,
    "sklearn.decomposition.SparseCoder": _SOLVES,
    "sklearn.dummy.DummyClassifier": _CONSTANT,
    "sklearn.dummy.DummyRegressor": _CONSTANT,
    "sklearn.ensemble.RandomTreesEmbedding": "use a forest, or ExtraTreesClassifier",
    "sklearn.feature_extraction.DictVectorizer": _TEXTS,
    "sklearn.feature_extraction.FeatureHasher": _TEXTS,
    "sklearn.feature_extraction.image.PatchExtractor": "cut the patches in the sketch, or use PCA",
    "sklearn.feature_extraction.text.CountVectorizer": _TEXTS,
    "sklearn.feature_extraction.text.HashingVectorizer": _TEXTS,
    "sklearn.feature_extraction.text.TfidfTransformer": _TEXTS,
    "sklearn.feature_extraction.text.TfidfVectorizer": _TEXTS,
    "sklearn.gaussian_process.GaussianProcessClassifier": "use SVC(probability=True)",
    "sklearn.impute.IterativeImputer": "use SimpleImputer",
    "sklearn.impute.KNNImputer": "use SimpleImputer",
    "sklearn.impute.MissingIndicator": "use SimpleImputer(add_indicator=True)",
    "sklearn.kernel_approximation.AdditiveChi2Sampler": _APPROXIMATE,
    "sklearn.kernel_approximation.PolynomialCountSketch": _APPROXIMATE,
    "sklearn.kernel_approximation.SkewedChi2Sampler": _APPROXIMATE,
    "sklearn.manifold.ClassicalMDS": _EMBEDDED,
    "sklearn.manifold.Isomap": _EMBEDDED,
    "sklearn.manifold.LocallyLinearEmbedding": _EMBEDDED,
    "sklearn.manifold.MDS": _EMBEDDED,
    "sklearn.manifold.SpectralEmbedding": _EMBEDDED,
    "sklearn.manifold.TSNE": _EMBEDDED,
    "sklearn.neighbors.KNeighborsTransformer": _NEIGHBOURS,
    "sklearn.neighbors.KernelDensity": "use GaussianMixture",
    "sklearn.neighbors.NearestNeighbors": _NEIGHBOURS,
    "sklearn.neighbors.RadiusNeighborsTransformer": _NEIGHBOURS,
    "sklearn.neural_network.BernoulliRBM": "use MLPClassifier, or PCA",
    "sklearn.preprocessing.KernelCenterer": "use KernelPCA, which centres its kernel",
    "sklearn.preprocessing.LabelBinarizer": _TARGETS,
    "sklearn.preprocessing.LabelEncoder": _TARGETS,
    "sklearn.preprocessing.MultiLabelBinarizer": _TARGETS,
    "sklearn.preprocessing.SplineTransformer": "use PolynomialFeatures or KBinsDiscretizer",
    "sklearn.preprocessing.TargetEncoder": "use OrdinalEncoder or OneHotEncoder, of numbered categories",
    "sklearn.semi_supervised.LabelPropagation": _SPREAD,
    "sklearn.semi_supervised.LabelSpreading": _SPREAD,
    # Of packages that micromlgen 1.x ported and nobody keeps any more.
    "skrvm.RVC": "use SVC(probability=True), or LogisticRegression",
    "skrvm.RVR": "use SVR, or GaussianProcessRegressor with an RBF",
    "sklearn_rvm.RVC": "use SVC(probability=True), or LogisticRegression",
    "sklearn_rvm.EMRVC": "use SVC(probability=True), or LogisticRegression",
    "sklearn_rvm.EMRVR": "use SVR, or GaussianProcessRegressor with an RBF",
}

for _path, _remedy in REMEDIES.items():
    refuses(_path, _remedy)
