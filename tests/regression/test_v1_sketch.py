"""A sketch written for micromlgen 1.1.28 keeps working with today's headers, unchanged, on an Uno."""

import numpy as np
import pytest
import serial
from sklearn.datasets import load_iris
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from micromlgen import port
from micromlgen.boards import arduino

pytestmark = pytest.mark.boards

# All that 1.1.28's classes for trees and forests offered, used in the ways that its users did.
SKETCH = """
#include "RandomForest.h"
#include "Iris.h"
#include "RandomForestRegressor.h"
#include "Length.h"

using namespace Eloquent::ML::Port;

Eloquent::ML::Port::RandomForest forest;
Iris *tree = new Iris();

void setup() {
  Serial.begin(115200);
  Serial.println("ready");
}

void loop() {
  float features[4];
  if (Serial.readBytes((char *)features, sizeof(features)) < sizeof(features)) return;
  int prediction = forest.predict(features);
  uint8_t classIdx = prediction;
  Serial.print(prediction);
  Serial.print(' ');
  Serial.print(forest.predictLabel(features));
  Serial.print(' ');
  Serial.print(forest.idxToLabel(classIdx));
  Serial.print(' ');
  Serial.print(tree->predict(features));
  Serial.print(' ');
  RandomForestRegressor regressor;
  float length = regressor.predict(features);
  Serial.print(length, 4);
  Serial.print(' ');
  Serial.println(Length().predict(features), 4);
}
"""

CLASSMAP = {0: "setosa", 1: "versicolor", 2: "virginica"}


def test_a_sketch_for_1_1_28_runs_unchanged(tmp_path):
    X, y = load_iris(return_X_y=True)
    X = X.astype(np.float32)
    length = X[:, 2] * X[:, 3]
    forest = RandomForestClassifier(10, max_depth=4, random_state=0).fit(X, y)
    tree = DecisionTreeClassifier(max_depth=3, random_state=0).fit(X, y)
    forest_regressor = RandomForestRegressor(3, max_depth=4, random_state=0).fit(X, length)
    tree_regressor = DecisionTreeRegressor(max_depth=4, random_state=0).fit(X, length)
    for name, header in {
        "RandomForest": port(forest, classmap=CLASSMAP),
        "Iris": port(tree, classname="Iris", platform="arduino", precision=6),
        "RandomForestRegressor": port(forest_regressor),
        "Length": port(tree_regressor, classname="Length"),
    }.items():
        (tmp_path / f"{name}.h").write_text(header)
    (tmp_path / "sketch.ino").write_text(SKETCH)
    elf = arduino.build_sketch(tmp_path, "uno", tmp_path / "build").elf

    with arduino.boot(elf, "uno") as path, serial.Serial(path, 115_200, timeout=5) as board:
        assert board.readline() == b"ready\r\n"
        answers = []
        for row in X:
            board.write(row.tobytes())
            answers.append(board.readline().decode().split())
            assert len(answers[-1]) == 6, answers

    expected = forest.predict(X)
    columns = list(zip(*answers, strict=True))
    np.testing.assert_array_equal(np.array(columns[0], int), expected)
    assert columns[1] == columns[2] == tuple(CLASSMAP[i] for i in expected)
    np.testing.assert_array_equal(np.array(columns[3], int), tree.predict(X))
    np.testing.assert_allclose(np.array(columns[4], float), forest_regressor.predict(X), atol=1e-3)
    np.testing.assert_allclose(np.array(columns[5], float), tree_regressor.predict(X), atol=1e-3)
