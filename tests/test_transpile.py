"""What `port`, `transpile` and `verify` take, and that they are one."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.datasets import load_iris
from sklearn.ensemble import RandomForestClassifier
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

import micromlgen as mm
from micromlgen.errors import UnsupportedError

IRIS, SPECIES = load_iris(return_X_y=True)
IRIS = np.rint(10 * IRIS).astype(np.float32)  # millimetres: integers, so int16 is exact
TREE = DecisionTreeClassifier(random_state=0).fit(IRIS, SPECIES)
FOREST = RandomForestClassifier(5, max_depth=3, random_state=0).fit(IRIS, np.array(["a", "b", "c"])[SPECIES])


def test_the_package_has_few_names() -> None:
    """Three of its own, and two that 1.x had besides `port`."""
    assert sorted(mm.__all__) == ["port", "port_testset", "port_trainset", "transpile", "verify"]


def test_port_is_the_header_of_transpile() -> None:
    assert (
        mm.port(TREE, name="iris", optimize="size") == mm.transpile(TREE, name="iris", optimize="size").header
    )


def test_verify_is_that_of_transpile() -> None:
    assert str(mm.verify(TREE, IRIS, name="iris")) == str(mm.transpile(TREE, name="iris").verify(IRIS))


@pytest.mark.parametrize(
    ("estimator", "cls"),
    [(TREE, "DecisionTree"), (FOREST, "RandomForest"), (DecisionTreeRegressor(), "DecisionTreeRegressor")],
    ids=["tree", "forest", "regressor"],
)
def test_the_default_name_is_that_of_version_1(estimator: Any, cls: str) -> None:
    fitted = estimator if hasattr(estimator, "n_features_in_") else estimator.fit(IRIS, SPECIES)
    assert mm.transpile(fitted).name.cls == cls
    assert f"\nclass {cls} {{" in mm.port(fitted)


class TestVersion1:
    """Parameters of micromlgen 1.x's port."""

    def test_classname(self) -> None:
        assert mm.port(TREE, classname="SoundLevel") == mm.port(TREE, name="SoundLevel")
        assert mm.port(TREE, "SoundLevel") == mm.port(TREE, name="SoundLevel")

    def test_classmap(self) -> None:
        names = {0: "setosa", 1: "versicolor", 2: "virginica"}
        assert mm.port(TREE, None, names) == mm.port(TREE, classmap=names)
        assert all(f'"{name}"' in mm.port(TREE, classmap=names) for name in names.values())

    @pytest.mark.parametrize("options", [{"platform": "attiny"}, {"precision": 0}, {"precision": 9}])
    def test_options_that_change_nothing_any_more(self, options: dict[str, Any]) -> None:
        assert mm.port(TREE, **options) == mm.port(TREE)

    def test_name_and_classname_together_are_refused(self) -> None:
        with pytest.raises(UnsupportedError, match=r"^give either name or classname, not both"):
            mm.port(TREE, classname="Iris", name="iris")

    @pytest.mark.parametrize("platform", ["esp32", "", None, "ARDUINO"])
    def test_unknown_platform(self, platform: object) -> None:
        with pytest.raises(UnsupportedError, match=r"^platform=.*: use 'arduino' or 'attiny', or target="):
            mm.port(TREE, platform=platform)

    @pytest.mark.parametrize("precision", ["2", -1, 0.5, [1]])
    def test_precision_that_is_none(self, precision: object) -> None:
        with pytest.raises(UnsupportedError, match=r"^precision=.* is not a number of decimals"):
            mm.port(TREE, precision=precision)


@pytest.mark.parametrize("classmap", [["a", "b", "c"], "abc", 3])
def test_a_classmap_that_is_no_mapping_is_refused(classmap: object) -> None:
    with pytest.raises(UnsupportedError, match="classmap"):
        mm.port(TREE, classmap=classmap)


@pytest.mark.parametrize("classmap", [{3: "no such index"}, {"setosa": "by label"}])
def test_a_classmap_for_an_index_that_is_none_is_refused(classmap: dict[Any, str]) -> None:
    """Labels 1, 2, 3 and a classmap from 1 to 3 would be off by one, in silence."""
    with pytest.raises(UnsupportedError, match="classmap"):
        mm.port(TREE, classmap=classmap)


@pytest.mark.parametrize("min_agreement", ["high", None, np.nan])
def test_a_min_agreement_that_is_no_share_is_refused(min_agreement: object) -> None:
    with pytest.raises(UnsupportedError, match="min_agreement"):
        mm.port(TREE, dtype="int16", calibration=IRIS, min_agreement=min_agreement)


def test_an_unknown_option_is_a_type_error() -> None:
    with pytest.raises(TypeError, match="unexpected keyword argument 'optimise'"):
        mm.port(TREE, optimise="size")
