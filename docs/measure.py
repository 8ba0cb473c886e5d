"""What the guide's figures are besides the bench's: writes docs/measured.json and docs/plots/.

    python docs/measure.py

* The accuracy of the bench's classifiers on the test split, in each mode, by the twin, which answers as the C
  does; the costs beside it are those of bench/results.json.
* What feature extractors cost on four cores, and how far they are from their definitions in float64.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import sklearn
from scipy import signal

DOCS = Path(__file__).parent
sys.path.insert(0, str(DOCS.parent))

from bench import results, zoo  # noqa: E402
from bench.measure import CORES  # noqa: E402
from micromlgen import transpile  # noqa: E402
from micromlgen.boards import Call, core  # noqa: E402
from micromlgen.calls import predict_call  # noqa: E402
from micromlgen.features import FFT, MFCC, Goertzel, IIRFilter, MelSpectrogram, Statistics  # noqa: E402
from micromlgen.nn import prune  # noqa: E402

MEASURED = DOCS / "measured.json"
MODES = ("float32", "int16", "int8")
#: Title: an extractor, and the samples of its window.
EXTRACTORS: Mapping[str, tuple[Any, int]] = {
    "`FFT(256)`": (FFT(256), 256),
    '`FFT(256, precision="int16")`': (FFT(256, precision="int16"), 256),
    "`FFT(512)`": (FFT(512), 512),
    "`FFT(1024)`": (FFT(1024), 1024),
    '`FFT(256, "hann", "log")`': (FFT(256, "hann", "log"), 256),
    "`MelSpectrogram(16000)`": (MelSpectrogram(16000), 512),
    "`MFCC(16000)`": (MFCC(16000), 512),
    "`MFCC(8000, n_fft=256, n_mels=20)`": (MFCC(8000, n_fft=256, n_mels=20), 256),
    '`MFCC(8000, n_fft=256, n_mels=20, precision="int16")`': (
        MFCC(8000, n_fft=256, n_mels=20, precision="int16"),
        256,
    ),
    "`Goertzel([50, 100, 150], 1000)`": (Goertzel([50, 100, 150], 1000), 256),
    "`IIRFilter(butter(4, 0.2))`": (IIRFilter(signal.butter(4, 0.2, output="sos")), 256),
    "`Statistics(n_channels=3)`": (Statistics(n_channels=3), 384),
    "`Statistics([mean, std, rms, min, max], n_channels=3)`": (
        Statistics(["mean", "std", "rms", "min", "max"], n_channels=3),
        384,
    ),
}
#: Title: a network of the bench, and the share of its weights that is kept.
NETS = (
    ("64-32-16-10, digits", "mlp_digits", 1.0),
    ("64-32-16-10, digits, pruned to a quarter", "mlp_digits", 0.25),
    ("30-16-1, breast cancer", "mlp_cancer", 1.0),
)


def accuracies() -> dict[str, dict[str, float]]:
    """Share of rows of the test split whose class is right, by model and mode."""
    out = {}
    for specimen in zoo.ZOO:
        fitted = zoo.fit(specimen)
        if not hasattr(fitted.estimator, "classes_"):
            continue
        answers = {"estimator": fitted.estimator.predict(fitted.rows.astype(np.float64))}
        for mode in MODES:
            program = transpile(
                fitted.estimator, name="model", dtype=mode, calibration=fitted.training, min_agreement=0
            )
            answers[mode] = program.predict(fitted.rows)
        right = zoo.truth(specimen)
        out[specimen.name] = {mode: round(float((y == right).mean()), 4) for mode, y in answers.items()}
    return out


def loud_and_quiet(n: int) -> np.ndarray:
    """Noise at full scale and tones from 0 to -40 dB of it, int16 of shape (16, n)."""
    draw = np.random.default_rng(0)
    noise = draw.integers(-32768, 32768, (8, n))
    levels = 32767 * 10 ** (-np.linspace(0, 40, 8) / 20)
    turns = draw.uniform(0.02, 0.4, 8)[:, None] * np.arange(n)
    tones = levels[:, None] * np.sin(2 * np.pi * turns) + draw.normal(size=(8, n))
    return np.concatenate([noise, np.clip(np.rint(tones), -32768, 32767)]).astype(np.int16)


def costs(name: str, call: Call, expected: np.ndarray, flags: str) -> dict[str, float]:
    """Bytes and mean cycles of a call on a core, whose outputs are as expected."""
    size, ran = core(name).size(call, flags=(flags,)), core(name).run([call], flags=(flags,))[0]
    assert np.array_equal(ran.y, expected), (call.statement, name)
    cycles = round(float(ran.cost.mean()), 1)
    return {"flash": size.flash, "ram": size.ram, "stack": ran.stack, "cycles": cycles}


def extractors() -> list[dict[str, Any]]:
    """Bytes and cycles on each core, and the errors in units of the feature's deviation."""
    out = []
    for title, (extractor, n) in EXTRACTORS.items():
        windows = loud_and_quiet(n)
        integers = extractor.fit(windows).transform(windows)
        reference, got = extractor.reference(windows), extractor.dequantize(integers)
        spread = reference.std(axis=0)
        error = np.abs(got - reference)[:, spread > 0] / spread[spread > 0]
        cores = {}
        for name in CORES:
            program = transpile(extractor, name="features")
            call = predict_call(program.model, program.header, program.name, windows)
            cores[name] = {flags: costs(name, call, integers, flags) for flags in ("-Os", "-O2")}
        out.append({"title": title, "n": n, "n_features": integers.shape[1], "cores": cores})
        out[-1]["bytes_out"] = int(integers.itemsize * integers.shape[1])
        out[-1]["error"] = float(f"{error.max():.2g}")
        out[-1]["rms_error"] = float(f"{np.sqrt((error**2).mean()):.2g}")
    return out


def draw(accuracy: Mapping[str, Mapping[str, float]], folder: Path) -> None:
    """Wrong answers on digits against time, on two cores; flash is the size of a mark."""
    import matplotlib as mpl
    from matplotlib.figure import Figure
    from matplotlib.ticker import EngFormatter

    found = results.load()
    figure = Figure(figsize=(10, 4.2), layout="constrained")
    colours = {"balanced": "#0072B2", "int16": "#E69F00", "int8": "#009E73"}
    digits = [name for name in accuracy if name.endswith("_digits")]
    panels = figure.subplots(1, 2, sharey=True)
    for axes, (name, unit) in zip(
        panels, (("avr", "cycles"), ("cortex-m0plus", "instructions")), strict=True
    ):
        for model in digits:
            points = []
            for mode, colour in colours.items():
                cell = found.ours(model, name, mode)
                if cell is None:
                    continue
                wrong = 100 - 100 * accuracy[model]["float32" if mode == "balanced" else mode]
                points.append((cell.cycles, wrong))
                axes.scatter(cell.cycles, wrong, s=4 + cell.flash / 250, color=colour, alpha=0.7, linewidth=0)
            if points:
                title = found.models[model]["title"].split(",")[0]
                right = model == "mlp_digits"  # whose accuracy a forest has too
                near = max(points) if right else min(points)
                offset, side = ((7, 4), "left") if right else ((-7, 4), "right")
                axes.annotate(
                    title, near, xytext=offset, textcoords="offset points", fontsize=7, ha=side, va="center"
                )
        axes.set_xscale("log")
        axes.set_yscale("log")
        axes.set_yticks([1, 2, 5, 10, 20], ["1 %", "2 %", "5 %", "10 %", "20 %"], minor=False)
        axes.set_yticks([], minor=True)
        axes.set_xlabel(f"{unit} of a prediction, {CORES[name]}")
        axes.xaxis.set_major_formatter(EngFormatter())
        axes.margins(x=0.2, y=0.15)
        axes.grid(alpha=0.3)
    panels[0].set_ylabel("wrong answers on held-out digits")
    marks = [
        mpl.lines.Line2D([], [], marker="o", linestyle="", color=colour, label=label)
        for label, colour in zip(("float32", "int16", "int8"), colours.values(), strict=True)
    ]
    panels[0].legend(handles=marks, frameon=False, fontsize="small", loc="lower right")
    folder.mkdir(exist_ok=True)
    with mpl.rc_context({"svg.hashsalt": "docs", "svg.fonttype": "none"}):
        figure.savefig(folder / "digits.svg", metadata={"Date": None})


def nets() -> list[dict[str, Any]]:
    """Networks in int8 on rows in int8: bytes and cycles on each core, right classes and agreement."""
    out = []
    for title, name, keep in NETS:
        specimen = next(it for it in zoo.ZOO if it.name == name)
        fitted = zoo.fit(specimen)
        net, right = fitted.estimator, zoo.truth(specimen)
        if keep < 1:
            labels = zoo.truth(specimen, training=True)
            net = prune(net, fitted.training.astype(np.float64), labels, keep=keep)
        program = transpile(net, name="net", dtype="int8", calibration=fitted.training)
        answers = program.predict(fitted.rows)
        call = predict_call(program.model, program.header, program.name, program.quantize(fitted.rows[:16]))
        expected = program.model.predict(program.quantize(fitted.rows[:16]))
        cores = {of: {"-O2": costs(of, call, expected[:, None], "-O2")} for of in CORES}
        agreement = float((answers == net.predict(fitted.rows.astype(np.float64))).mean())
        figures = {"accuracy": round(float((answers == right).mean()), 4), "agreement": round(agreement, 4)}
        out.append({"title": title, **figures, "cores": cores})
    return out


def main() -> None:
    """Measure, write."""
    accuracy = accuracies()
    found = {
        "scikit-learn": sklearn.__version__,
        "accuracy": accuracy,
        "features": extractors(),
        "nets": nets(),
    }
    MEASURED.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    draw(accuracy, DOCS / "plots")


if __name__ == "__main__":
    main()
