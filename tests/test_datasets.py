"""micromlgen 1.x's test and training sets."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.tree import DecisionTreeClassifier

import micromlgen as mm
from micromlgen.boards import STRICT, Call, core
from tests.models.test_tree import IRIS, SPECIES

TREE = DecisionTreeClassifier(max_depth=2, random_state=0).fit(IRIS, SPECIES)
HEADER = mm.port(TREE, classname="Iris")


@pytest.mark.parametrize(
    "where",
    [
        "host",
        pytest.param("avr", marks=pytest.mark.boards),
        pytest.param("rv32imc", marks=pytest.mark.boards),
    ],
)
def test_a_test_set_counts_on_the_board(where: str) -> None:
    test = mm.port_testset(IRIS, SPECIES)
    statement = (
        "Eloquent::ML::Test::TestSet set; set.test(Eloquent::ML::Port::Iris()); y[0] = set.accuracy();"
        "y[1] = set.precision(); y[2] = set.recall(); y[3] = set.specificity(); y[4] = set.support();"
    )
    call = Call(HEADER + test, IRIS[:1], statement, "float32", 5)
    y = core(where).run([call], language="c++", flags=("-Os", *STRICT), measure=False)[0].y[0]
    predicted = TREE.predict(IRIS)
    tp = ((predicted > 0) & (predicted == SPECIES)).sum()
    fp = ((predicted > 0) & (predicted != SPECIES)).sum()
    tn = ((predicted == 0) & (SPECIES == 0)).sum()
    fn = ((predicted == 0) & (SPECIES != 0)).sum()
    assert fp
    expected = [(tp + tn) / 150, tp / (tp + fp), tp / (tp + fn), tn / (tn + fp), 150]
    np.testing.assert_allclose(y, expected, rtol=1e-6)


def test_a_training_set_gives_its_rows() -> None:
    learner = (
        "struct Learner { float total; int classes; void fit(float x[][4], int *y, int n) {"
        " total = 0; classes = 0; for (int i = 0; i < n; ++i) {"
        " for (int f = 0; f < 4; ++f) total += x[i][f] * (float)(f + 1); classes += y[i]; } } };\n"
    )
    train = mm.port_trainset(IRIS[:60], SPECIES[:60], classname="Few")
    statement = (
        "Learner learner; Eloquent::ML::Train::Few set; set.fit(&learner);"
        "y[0] = learner.total; y[1] = (float)learner.classes;"
    )
    call = Call(train + learner, IRIS[:1], statement, "float32", 2)
    y = core("host").run([call], language="c++", flags=("-Os", *STRICT), measure=False)[0].y[0]
    np.testing.assert_allclose(y, [(IRIS[:60] @ [1, 2, 3, 4]).sum(), SPECIES[:60].sum()], rtol=1e-5)


@pytest.mark.parametrize(
    ("X", "y", "message"),
    [
        (IRIS, SPECIES[:9], r"X has shape \(150, 4\), y has \(9,\)"),
        (IRIS[0], SPECIES, r"X has shape \(4,\)"),
        (np.full((2, 2), np.nan), [0, 1], "X has NaN or infinite"),
        (IRIS, np.array(["a", "b", "c"])[SPECIES], "use LabelEncoder"),
        (IRIS, SPECIES + 0.5, "use LabelEncoder"),
        ([["a"]], [0], "X is not an array of numbers"),
    ],
)
def test_unfit_data_is_refused(X: Any, y: Any, message: str) -> None:
    for port in (mm.port_testset, mm.port_trainset):
        with pytest.raises(ValueError, match=message):
            port(X, y)


def test_a_name_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="name"):
        mm.port_testset(IRIS, SPECIES, classname="Test Set; //")


def test_positions_by_wifi_are_refused_with_a_remedy() -> None:
    with pytest.raises(ValueError, match=r"fit a classifier, .* on the signal strengths"):
        mm.port_wifi_indoor_positioning('{"__location": "kitchen", "home": -60}')
