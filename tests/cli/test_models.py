"""Models from files: what is harmless is read, the rest is refused with the reason."""

from __future__ import annotations

import pickle
import re
import zipfile
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pytest
from sklearn.ensemble import (
    HistGradientBoostingClassifier,
    IsolationForest,
    RandomForestClassifier,
    VotingClassifier,
)
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier
from skops import io

from micromlgen.cli.models import read_model
from micromlgen.cli.options import rows_of
from micromlgen.errors import UnsupportedError
from micromlgen.features import FFT
from micromlgen.nn import Net
from tests.cases import all_cases
from tests.nn import graphs

DRAW = np.random.default_rng(0)
X = DRAW.normal(size=(60, 3))
Y = (X[:, 0] > 0).astype(int) + (X[:, 1] > 0)
TREE = DecisionTreeClassifier(random_state=0)
ESTIMATORS = [
    TREE,
    RandomForestClassifier(3, random_state=0),
    HistGradientBoostingClassifier(max_iter=3),
    HistGradientBoostingClassifier(max_iter=3, categorical_features=[2]),
    IsolationForest(n_estimators=3, random_state=0),
    make_pipeline(StandardScaler(), LogisticRegression()),
    MLPClassifier((4,), max_iter=5, random_state=0),
    VotingClassifier([("a", TREE), ("b", LogisticRegression())], voting="soft"),
    KNeighborsClassifier(algorithm="brute"),
    KNeighborsClassifier(algorithm="kd_tree"),
    KNeighborsClassifier(algorithm="ball_tree", metric="minkowski", p=3),
]
TONES = np.rint(9000 * np.sin(np.outer(Y * 0.4 + 0.3, np.arange(32)))).astype(np.int16)


def rows(estimator: Any) -> np.ndarray:
    out = X.copy()
    out[:, 2] = np.abs(out[:, 2]).astype(int)
    return out


@pytest.mark.filterwarnings("ignore:Stochastic Optimizer")
@pytest.mark.parametrize("estimator", ESTIMATORS, ids=lambda it: type(it).__name__)
def test_skops_is_read_without_trust(estimator: Any, tmp_path: Path) -> None:
    fitted = estimator.fit(rows(estimator), Y)
    io.dump(fitted, tmp_path / "model.skops")
    read = read_model(tmp_path / "model.skops", trust=False)
    np.testing.assert_array_equal(read.predict(rows(estimator)), fitted.predict(rows(estimator)))


def test_every_family_is_read_without_trust(tmp_path: Path) -> None:
    """Those of scikit-learn and of this package; other libraries read their models by themselves.

    Nets are read from files of their own.
    """
    first = {type(case.estimator): case.estimator for case in reversed(all_cases())}
    first.pop(Net)
    for kind, estimator in first.items():
        if kind.__module__.split(".")[0] in ("sklearn", "micromlgen"):
            io.dump(estimator, tmp_path / "model.skops")
            assert type(read_model(tmp_path / "model.skops", trust=False)) is kind


def test_nets_are_read_from_their_own_files(tmp_path: Path) -> None:
    path = tmp_path / "net.tflite"
    path.write_bytes(graphs.dense())
    assert isinstance(read_model(path, trust=False), Net)
    path.write_bytes(graphs.dense()[:500])
    with pytest.raises(UnsupportedError, match=r"net\.tflite.*damaged"):
        read_model(path, trust=False)


def test_extractors_of_this_package_are_read_without_trust(tmp_path: Path) -> None:
    heard = make_pipeline(FFT(32), TREE).fit(TONES, Y)
    io.dump(heard, tmp_path / "heard.skops")
    np.savetxt(tmp_path / "tones.csv", TONES, fmt="%d", delimiter=",")
    np.savetxt(tmp_path / "floats.csv", TONES / 7, delimiter=",")
    read = read_model(tmp_path / "heard.skops", trust=False)
    rows = rows_of(read, tmp_path / "tones.csv", ())
    assert rows.dtype == np.int16
    np.testing.assert_array_equal(read.predict(rows), heard.predict(TONES))
    with pytest.raises(UnsupportedError, match=r"floats\.csv: the model takes windows of int16 samples"):
        rows_of(read, tmp_path / "floats.csv", ())


@pytest.mark.parametrize("dump", [joblib.dump, lambda it, path: path.write_bytes(pickle.dumps(it))])
@pytest.mark.parametrize("name", ["model.joblib", "model.pkl", "model"])
def test_pickles_need_trust(dump: Any, name: str, tmp_path: Path) -> None:
    dump(TREE.fit(X, Y), tmp_path / name)
    told = r"a pickle or joblib file can run any program as it is read: .* or add --trust"
    with pytest.raises(UnsupportedError, match=told):
        read_model(tmp_path / name, trust=False)
    assert read_model(tmp_path / name, trust=True).predict(X).tolist() == Y.tolist()


class Bomb:
    """Writes a file as it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return Path.write_text, (self.path, "gone off")


@pytest.mark.parametrize("name", ["model.joblib", "model.skops"])
def test_a_pickle_is_not_even_opened(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(pickle.dumps(Bomb(tmp_path / "written")))
    with pytest.raises(UnsupportedError, match="no file of skops"):
        read_model(tmp_path / name, trust=False)
    assert not (tmp_path / "written").exists()


class Own(DecisionTreeClassifier):
    """A class that skops cannot know."""


def test_unknown_types_are_named(tmp_path: Path) -> None:
    io.dump(Own(random_state=0).fit(X, Y), tmp_path / "own.skops")
    with pytest.raises(UnsupportedError, match=r"own\.skops holds .*\.Own, which is not known .*add --trust"):
        read_model(tmp_path / "own.skops", trust=False)
    assert type(read_model(tmp_path / "own.skops", trust=True)).__name__ == "Own"


@pytest.mark.parametrize("trust", [False, True])
def test_files_that_are_cut_short(trust: bool, tmp_path: Path) -> None:
    io.dump(RandomForestClassifier(2, random_state=0).fit(X, Y), tmp_path / "whole.skops")
    whole = (tmp_path / "whole.skops").read_bytes()
    for size in range(0, len(whole), len(whole) // 7):
        (tmp_path / "cut.skops").write_bytes(whole[:size])
        with pytest.raises(UnsupportedError, match=r"cut\.skops (is no file of skops|cannot be read)"):
            read_model(tmp_path / "cut.skops", trust)


def test_other_zip_files_and_noise(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "other.skops", "w") as archive:
        archive.writestr("schema.json", "[]")
    (tmp_path / "noise.joblib").write_bytes(DRAW.bytes(999))
    for name in ("other.skops", "noise.joblib"):
        with pytest.raises(
            UnsupportedError, match=rf"{re.escape(name)} cannot be read as a .* file|as a file of sk"
        ):
            read_model(tmp_path / name, trust=True)
    with pytest.raises(UnsupportedError, match=r"none\.skops: no such file"):
        read_model(tmp_path / "none.skops", trust=True)


@pytest.mark.parametrize("field", ["left_child", "right_child", "feature"])
@pytest.mark.parametrize("value", [10**6, 0, -7])
def test_trees_that_lead_nowhere_are_refused(field: str, value: int, tmp_path: Path) -> None:
    """Compiled code follows these numbers without looking."""
    tree = DecisionTreeClassifier(random_state=0).fit(X, Y)
    state = tree.tree_.__getstate__()
    state["nodes"][field][0] = value
    if field == "feature" and value == 0:
        value = state["nodes"]["feature"][0] = 3
    tree.tree_.__setstate__(state)
    io.dump(make_pipeline(StandardScaler().fit(X), tree), tmp_path / "spoilt.skops")
    with pytest.raises(UnsupportedError, match=r"spoilt\.skops holds a tree whose nodes lead nowhere"):
        read_model(tmp_path / "spoilt.skops", trust=False)


@pytest.mark.parametrize(
    ("field", "value"), [("left", 10**6), ("right", 0), ("feature_idx", 3), ("bitset_idx", 99)]
)
def test_boosted_trees_that_lead_nowhere_are_refused(field: str, value: int, tmp_path: Path) -> None:
    model = HistGradientBoostingClassifier(max_iter=2, categorical_features=[2]).fit(rows(None), Y)
    for [tree, *_] in model._predictors:
        tree.nodes[field][:] = value
        tree.nodes["is_categorical"][:] = field == "bitset_idx"
    io.dump(model, tmp_path / "spoilt.skops")
    with pytest.raises(UnsupportedError, match=r"spoilt\.skops holds a tree whose nodes lead nowhere"):
        read_model(tmp_path / "spoilt.skops", trust=False)


def test_trees_of_neighbours_are_grown_anew(tmp_path: Path) -> None:
    """What a file says of such a tree is not believed."""
    model = KNeighborsClassifier(algorithm="kd_tree", leaf_size=5).fit(X, Y)
    right = model.predict(X)
    state = list(model._tree.__getstate__())
    state[1] = np.full_like(state[1], 10**9)  # indices of rows
    model._tree.__setstate__(tuple(state))
    io.dump(
        make_pipeline(StandardScaler(with_mean=False, with_std=False).fit(X), model), tmp_path / "near.skops"
    )
    np.testing.assert_array_equal(read_model(tmp_path / "near.skops", trust=False).predict(X), right)


def test_spoilt_bytes_end_in_one_error(tmp_path: Path) -> None:
    path = tmp_path / "model.skops"
    io.dump(RandomForestClassifier(2, random_state=0).fit(X, Y), path)
    whole, draw = path.read_bytes(), np.random.default_rng(0)
    refused = 0
    for _ in range(60):
        spoilt = bytearray(whole)
        for at in draw.integers(0, len(whole), 4):
            spoilt[at] ^= 1 << int(draw.integers(8))
        path.write_bytes(spoilt)
        try:
            read_model(path, trust=False)
        except UnsupportedError:
            refused += 1
    assert refused > 10


def test_what_reading_warns_of_is_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    tree = DecisionTreeClassifier(random_state=0).fit(X, Y)
    monkeypatch.setattr("sklearn.base.__version__", "0.0.1")
    io.dump(tree, tmp_path / "old.skops")
    joblib.dump(tree, tmp_path / "old.joblib")
    monkeypatch.undo()
    read_model(tmp_path / "old.joblib", trust=True)
    told = capsys.readouterr().err
    assert "Trying to unpickle estimator DecisionTreeClassifier from version 0.0.1" in told
    assert told.count("\n") == 1
