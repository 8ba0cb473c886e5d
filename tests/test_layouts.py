"""The folders of `Program.save`: by the book of each tool, built with those that Debian has, and harmless."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import numpy as np
import pytest
from sklearn.datasets import load_iris
from sklearn.decomposition import PCA
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.tree import DecisionTreeClassifier

import micromlgen as mm
from micromlgen.boards import STRICT, arduino
from micromlgen.boards.toolchain import execute
from micromlgen.errors import OverwriteError, UnsupportedError
from micromlgen.features import FFT
from micromlgen.layouts import LAYOUTS, PROJECTS, project_files, write
from micromlgen.program import Program

IRIS, SPECIES = load_iris(return_X_y=True)
IRIS = IRIS.astype(np.float32)
NAMES = np.array(["setosa", 'versi"color', "größe */"])[SPECIES]
TREE = DecisionTreeClassifier(random_state=0).fit(IRIS, NAMES)
PITCH = np.arange(60) % 3
TONES = np.rint(9000 * np.sin(np.outer(PITCH * 0.4 + 0.3, np.arange(32)))).astype(np.int16)
TREE_OF_TONES = DecisionTreeClassifier(random_state=0)
OUTPUTS = np.stack([SPECIES, SPECIES == 1], axis=1)
INTEGER = {"dtype": "int16", "calibration": IRIS}
#: A model of every kind that sketches treat differently.
KINDS = {
    "classifier": (TREE, {}),
    "no_proba": (
        LogisticRegression(max_iter=1000).fit(IRIS, SPECIES),
        {"dtype": "int16", "calibration": IRIS},
    ),
    "integer": (TREE, INTEGER),
    "outputs": (RandomForestClassifier(3, random_state=0).fit(IRIS, OUTPUTS), {}),
    "regressor": (RandomForestRegressor(3, random_state=0).fit(IRIS, IRIS[:, 0]), {}),
    "scaled": (RandomForestRegressor(3, random_state=0).fit(IRIS, IRIS[:, 0]), INTEGER),
    "projection": (PCA(2).fit(IRIS), {}),
    "samples": (make_pipeline(FFT(32), TREE_OF_TONES).fit(TONES, PITCH), {}),
    "math": (GaussianNB().fit(IRIS, SPECIES), {}),
}


def program(kind: str = "classifier", name: str = "gesture") -> Program:
    estimator, options = KINDS[kind]
    return mm.transpile(estimator, name=name, **options)


def contents(folder: Path) -> dict[str, bytes]:
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


@pytest.mark.parametrize("layout", ["header", *LAYOUTS])
class TestEveryLayout:
    def test_the_same_bytes_again_and_only_within_the_folder(self, layout: str, tmp_path: Path) -> None:
        first = program().save(f"{tmp_path}/a/", layout=layout)
        before = contents(tmp_path)
        program().save(f"{tmp_path}/b/", layout=layout)
        assert contents(tmp_path / "a") == contents(tmp_path / "b")
        assert program().save(f"{tmp_path}/a/", layout=layout) == first  # nothing changes
        assert first.name == "gesture.h"
        assert first.is_file()
        assert all(name.startswith("a/") for name in before)
        assert all(text.isascii() and text.endswith(b"\n") for text in before.values())

    def test_nothing_is_replaced_unless_forced(self, layout: str, tmp_path: Path) -> None:
        header = program().save(tmp_path, layout=layout)
        header.write_text("mine")
        before = contents(tmp_path)
        changed = program("integer")
        with pytest.raises(OverwriteError, match=r"gesture\.h.*: there already.*; force=True .* replaces"):
            changed.save(tmp_path, layout=layout)
        assert contents(tmp_path) == before
        changed.save(tmp_path, layout=layout, force=True)
        assert "int16_t gesture_input_t" in header.read_text()

    def test_no_link_leads_out(self, layout: str, tmp_path: Path) -> None:
        target = program().save(f"{tmp_path}/a/", layout=layout)
        (tmp_path / "elsewhere").write_text("mine")
        target.unlink()
        target.symlink_to(tmp_path / "elsewhere")
        with pytest.raises(UnsupportedError, match=r"gesture\.h is a link that leads out of"):
            program().save(f"{tmp_path}/a/", layout=layout, force=True)
        assert (tmp_path / "elsewhere").read_text() == "mine"

    def test_the_companion_is_there_where_rows_are_known(self, layout: str, tmp_path: Path) -> None:
        header = program("integer").save(tmp_path, layout=layout)
        assert json.loads(header.with_suffix(".json").read_text())["name"] == "gesture"


@pytest.mark.parametrize("layout", ["Arduino", "", None, "../x"])
def test_an_unknown_layout_is_refused(layout: object, tmp_path: Path) -> None:
    with pytest.raises(UnsupportedError, match=r"^layout=.*: use 'header', 'split', 'arduino', 'platformio'"):
        program().save(tmp_path, layout=layout)
    assert not list(tmp_path.iterdir())


class TestArduino:
    """The Arduino library specification 1.5, revision 2.2: its "library.properties" and "keywords.txt"."""

    CATEGORIES = (
        "Display, Communication, Signal Input/Output, Sensors, Device Control, Timing, Data Storage, "
        "Data Processing, Other"
    ).split(", ")

    def test_library_properties(self, tmp_path: Path) -> None:
        program().save(tmp_path, layout="arduino")
        lines = (tmp_path / "library.properties").read_text().splitlines()
        fields = dict(line.split("=", 1) for line in lines)
        assert len(fields) == len(lines)
        required = "name version author maintainer sentence paragraph category url architectures includes"
        assert set(fields) == set(required.split())
        assert all(fields.values())
        assert re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9 _.-]{0,62}", fields["name"])
        assert re.fullmatch(r"\d+\.\d+\.\d+", fields["version"])  # SemVer
        assert fields["category"] in self.CATEGORIES
        assert fields["url"].startswith("https://")
        assert fields["architectures"] == "*"
        assert (tmp_path / "src" / fields["includes"]).is_file()
        assert fields["sentence"].endswith(".")
        assert not fields["paragraph"].startswith(fields["sentence"])  # which stands before it

    def test_keywords(self, tmp_path: Path) -> None:
        program("regressor").save(tmp_path, layout="arduino")
        lines = (tmp_path / "keywords.txt").read_text().splitlines()
        fields = [line.split("\t") for line in lines if line and not line.startswith("#")]
        assert all(len(field) == 2 for field in fields)  # one tab, which is the separator
        words = dict(fields)
        assert words["Gesture"] == words["gesture_output_t"] == "KEYWORD1"
        assert words["gesture_predict"] == "KEYWORD2"
        assert words["GESTURE_N_FEATURES"] == "LITERAL1"
        assert len(words) == len(fields)
        header = (tmp_path / "src" / "gesture.h").read_text()
        assert all(re.search(rf"\b{word}\b", header) for word in words)

    def test_folders(self, tmp_path: Path) -> None:
        program().save(tmp_path, layout="arduino")
        assert {p.name for p in tmp_path.iterdir()} <= {
            "library.properties",
            "keywords.txt",
            "src",
            "examples",
        }
        for example in (tmp_path / "examples").iterdir():
            assert (example / f"{example.name}.ino").is_file()

    @pytest.mark.parametrize("name", ["arduino_thing", "x" * 64])
    def test_names_that_the_specification_forbids(self, name: str, tmp_path: Path) -> None:
        with pytest.raises(UnsupportedError, match=r"a library may not be called .* use another name"):
            program(name=name).save(tmp_path, layout="arduino")

    @pytest.mark.boards
    @pytest.mark.parametrize("kind", KINDS)
    def test_the_examples_build(self, kind: str, tmp_path: Path) -> None:
        program(kind).save(f"{tmp_path}/library/", layout="arduino")
        board = "mega" if kind == "math" else "uno"
        for example in (tmp_path / "library" / "examples").iterdir():
            built = arduino.build_sketch(example, board, tmp_path / "build", [tmp_path / "library"])
            assert built.flash > 1000


def test_platformio(tmp_path: Path) -> None:
    """By the manifest's schema: names, and types of what is there."""
    program().save(tmp_path, layout="platformio")
    manifest = json.loads((tmp_path / "library.json").read_text())
    assert re.fullmatch(r"[^:;/,@<>]{1,100}", manifest["name"])
    assert re.fullmatch(r"\d+\.\d+\.\d+", manifest["version"])
    assert len(manifest["description"]) <= 255
    assert all(re.fullmatch(r"[a-z\d\- ]{1,50}", word) for word in manifest["keywords"])
    assert (tmp_path / "src" / manifest["headers"]).is_file()


MAIN = """
#include <stdio.h>
#include "gesture.h"
int main(void)
{
    static float x[GESTURE_N_FEATURES];
    printf("%d\\n", gesture_predict(x));
    return 0;
}
"""


def run_cmake(folder: Path, *options: str) -> Path:
    """Build what the folder's CMakeLists.txt says, warnings of the house included; gives the build folder."""
    flags = " ".join(STRICT)
    execute(["cmake", "-B", "build", f"-DCMAKE_C_FLAGS={flags}", *options], folder, "configuring")
    execute(["cmake", "--build", "build"], folder, "building")
    return folder / "build"


@pytest.mark.boards
class TestCMake:
    @pytest.mark.parametrize("kind", ["classifier", "math"])
    def test_the_target_builds_and_predicts(self, kind: str, tmp_path: Path) -> None:
        it = program(kind)
        it.save(tmp_path / "gesture", layout="cmake")
        (tmp_path / "main.c").write_text(MAIN)
        (tmp_path / "CMakeLists.txt").write_text(
            "cmake_minimum_required(VERSION 3.13)\nproject(app C)\nadd_subdirectory(gesture)\n"
            "add_executable(app main.c)\ntarget_link_libraries(app PRIVATE gesture::gesture)\n"
        )
        build = run_cmake(tmp_path)
        said = subprocess.run([build / "app"], capture_output=True, text=True, check=True).stdout
        assert int(said) == it.predict_index(it.quantize(np.zeros((1, 4))))[0]

    # Neither Zephyr nor ESP-IDF is in Debian: their functions are played by these.
    ZEPHYR = """
        function(zephyr_include_directories)
            include_directories(${ARGV})
        endfunction()
        macro(zephyr_library)
            set(lib model)
        endmacro()
        macro(zephyr_library_sources)
            add_library(${lib} STATIC ${ARGV})
        endmacro()
        set(CONFIG_MODEL_GESTURE y)
    """
    IDF = """
        function(idf_component_register)
            cmake_parse_arguments(it "" "" "SRCS;INCLUDE_DIRS" ${ARGV})
            if(it_UNPARSED_ARGUMENTS)
                message(FATAL_ERROR "${it_UNPARSED_ARGUMENTS}")
            endif()
            add_library(model STATIC ${it_SRCS})
            target_include_directories(model PUBLIC ${it_INCLUDE_DIRS})
        endfunction()
    """

    @pytest.mark.parametrize(("layout", "functions"), [("zephyr", ZEPHYR), ("esp-idf", IDF)])
    def test_modules_and_components_build(self, layout: str, functions: str, tmp_path: Path) -> None:
        program().save(f"{tmp_path}/it/", layout=layout)
        (tmp_path / "main.c").write_text(MAIN)
        (tmp_path / "CMakeLists.txt").write_text(
            f"cmake_minimum_required(VERSION 3.20)\nproject(app C)\n{functions}\nadd_subdirectory(it)\n"
            "add_executable(app main.c)\ntarget_include_directories(app PRIVATE it it/src)\n"
            "target_link_libraries(app PRIVATE model)\n"
        )
        assert (run_cmake(tmp_path) / "app").is_file()

    @pytest.mark.parametrize("kind", KINDS)
    def test_the_project_answers_rows(self, kind: str, tmp_path: Path) -> None:
        it, X = program(kind), TONES if kind == "samples" else IRIS
        text = "\n".join(",".join(f"{value:.9g}" for value in row) for row in X)
        write(tmp_path, project_files("cmake", "demo", it.model, it.header, it.name, None), force=False)
        command = [run_cmake(tmp_path) / "demo"]
        said = subprocess.run(command, input=text.encode(), capture_output=True, check=True).stdout.decode()
        predicted = it.predict(X)
        if kind in ("classifier", "integer", "no_proba", "math", "samples"):
            assert said.splitlines() == list(map(str, predicted))
        else:
            numbers = np.array([list(map(float, line.split(","))) for line in said.splitlines()])
            np.testing.assert_allclose(numbers, predicted.reshape(len(X), -1), rtol=2e-5, atol=1e-5)


def test_zephyr(tmp_path: Path) -> None:
    program().save(tmp_path, layout="zephyr")
    module = (tmp_path / "zephyr" / "module.yml").read_text()
    assert module == "name: gesture\nbuild:\n  cmake: .\n  kconfig: Kconfig\n"
    assert (tmp_path / "Kconfig").read_text().startswith('config MODEL_GESTURE\n\tbool "')


def test_esp_idf(tmp_path: Path) -> None:
    program().save(tmp_path, layout="esp-idf")
    lines = (tmp_path / "idf_component.yml").read_text().splitlines()
    assert lines[0] == 'version: "1.0.0"'
    assert all(re.fullmatch(r'\w+: (".*"|https://\S+)', line) for line in lines)


class TestProjects:
    @pytest.mark.parametrize("project", PROJECTS)
    def test_the_model_is_in_it(self, project: str) -> None:
        it = program("integer")
        files = project_files(project, "demo", it.model, it.header, it.name, "{}\n")
        assert sum(path.endswith("gesture.c") for path in files) == 1
        assert sum(path.endswith("gesture.json") for path in files) == 1
        assert not any("NAME" in path or "SKETCH" in path for path in files)

    @pytest.mark.boards
    def test_the_arduino_sketch_builds(self, tmp_path: Path) -> None:
        it = program("integer")
        write(tmp_path, project_files("arduino", "demo", it.model, it.header, it.name, None), force=False)
        assert arduino.build_sketch(tmp_path / "demo.ino", "uno", tmp_path / "build").flash > 1000

    @pytest.mark.parametrize("name", ["", "a b", "../up", "-x", "a/b", "x" * 64, "größe"])
    def test_names_that_are_none(self, name: str) -> None:
        it = program()
        with pytest.raises(UnsupportedError, match="is no name for a sketch"):
            project_files("arduino", name, it.model, it.header, it.name, None)

    def test_the_models_own_name(self) -> None:
        it = program()
        with pytest.raises(UnsupportedError, match=r"'gesture' is the model's own name: call"):
            project_files("cmake", "gesture", it.model, it.header, it.name, None)

    def test_unknown(self) -> None:
        it = program()
        with pytest.raises(UnsupportedError, match=r"^project 'mbed': use one of arduino, platform"):
            project_files("mbed", "demo", it.model, it.header, it.name, None)
