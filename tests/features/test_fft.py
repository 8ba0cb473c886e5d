"""FFT: the spectrum in integers, at every size."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.signal import get_window
from sklearn.base import clone

import micromlgen as mm
from micromlgen.boards import STRICT, Call, core
from micromlgen.calls import predict_call
from micromlgen.features import FFT
from micromlgen.features._fft16 import _excess, quarter_wave
from tests.cases import SANITIZE, Case
from tests.features.windows import every_kind, stacked, tone

SIZES = [2**k for k in range(3, 13)]
OUTPUTS = ["complex", "power", "magnitude", "log"]
CASES = [
    Case("spectrum_8", FFT(8, window=None, output="complex"), stacked(8)),
    Case("spectrum_16", FFT(16, "hann", "magnitude"), stacked(16)),
    Case("spectrum_32", FFT(32, window="hamming", output="power"), stacked(32)),
    Case("spectrum_64", FFT(64, "hann", "log"), stacked(64)),
    Case("block_16", FFT(16, precision="int16"), stacked(16)),
    Case("block_64", FFT(64, "hann", "log", precision="int16"), stacked(64)),
]


def signal_to_noise(fft: FFT, X: np.ndarray) -> float:
    """dB of the reference over its difference to the integers, over all bins."""
    reference = fft.reference(X)
    noise = fft.dequantize(fft.transform(X)) - reference
    return float(10 * np.log10((reference**2).sum() / (noise**2).sum()))


def test_the_reference_is_numpys() -> None:
    X = stacked(64)
    spectrum = np.fft.rfft(X * get_window("hann", 64))
    np.testing.assert_allclose(FFT(64, "hann", "magnitude").reference(X), np.abs(spectrum))
    np.testing.assert_allclose(FFT(64, "hann", "power").reference(X), np.abs(spectrum) ** 2)
    parts = FFT(64, "hann").reference(X)
    np.testing.assert_allclose(parts[:, ::2] + 1j * parts[:, 1::2], spectrum)


@pytest.mark.parametrize("window", [None, "hann", ("kaiser", 8.0), "flattop"])
@pytest.mark.parametrize("n_fft", SIZES)
def test_signal_to_noise(n_fft: int, window: object) -> None:
    rng = np.random.default_rng(0)
    fft = FFT(n_fft, window=window, output="complex")
    noise = rng.integers(-32768, 32768, (20, n_fft)).astype(np.int16)
    assert signal_to_noise(fft, noise) >= 90
    quiet = tone(n_fft, 0.123 * n_fft + 0.3, 327.68, 32.7)[None]
    assert signal_to_noise(fft, quiet) >= 75


@pytest.mark.parametrize("window", [None, "hann", "hamming", "blackman"])
@pytest.mark.parametrize("n_fft", SIZES)
def test_signal_to_noise_of_a_block(n_fft: int, window: object) -> None:
    rng = np.random.default_rng(1)
    fft = FFT(n_fft, window, precision="int16")
    noise = rng.integers(-32768, 32768, (20, n_fft)).astype(np.int16)
    assert signal_to_noise(fft, noise) >= 68
    assert signal_to_noise(fft, noise >> 8) >= 68
    quiet = tone(n_fft, 0.123 * n_fft + 0.3, 327.68, 32.7)[None]
    assert signal_to_noise(fft, quiet) >= (50 if n_fft > 256 else 60)


@pytest.mark.parametrize("n_fft", SIZES)
def test_what_a_block_promises_of_other_signals(n_fft: int) -> None:
    rng, t = np.random.default_rng(7), np.arange(n_fft)
    noise = np.rint(rng.normal(0, 8000, (30, n_fft))).clip(-32768, 32767).astype(np.int16)
    turn = 2 * np.pi * rng.uniform(0.02, 0.48, (30, 1)) * t + rng.uniform(0, 6, (30, 1))
    tones = np.rint(32000 * np.sin(turn)).astype(np.int16)
    for window in (None, "hann", "flattop", ("kaiser", 14.0)):
        fft = FFT(n_fft, window, precision="int16")
        assert signal_to_noise(fft, noise) >= 66
        assert signal_to_noise(fft, noise >> 6) >= 66
        assert signal_to_noise(fft, tones) >= (53 if n_fft > 8 else 75)


@pytest.mark.parametrize("output", OUTPUTS)
def test_a_block_has_the_units_of_int32(output: str) -> None:
    """One for all windows, loud and faint ones."""
    wide, block = FFT(128, "hann", output), FFT(128, "hann", output, precision="int16")
    np.testing.assert_array_equal(wide.extraction().unit(), block.extraction().unit())
    X = stacked(128)
    expected, got = wide.dequantize(wide.transform(X)), block.dequantize(block.transform(X))
    reference = FFT(128, "hann", "magnitude").reference(X)
    off = 2.0**-10 * reference.max(axis=1, keepdims=True) + 64 * wide.extraction().transform.unit
    if output == "log":
        clear = reference > 30 * off
        assert clear.sum() > 200
        assert np.abs(got - expected)[clear].max() < 0.5
    elif output == "power":
        assert (np.abs(got - expected) <= (2 * reference + off) * off + 4 * wide.extraction().unit()[0]).all()
    else:
        assert (np.abs(got - expected) <= (off if output == "magnitude" else 1.5 * off)).all()


@pytest.mark.parametrize("output", ["power", "magnitude", "log"])
def test_one_number_of_a_bin(output: str) -> None:
    fft = FFT(256, "hann", output)
    X = np.concatenate([stacked(256), np.random.default_rng(0).integers(-32768, 32768, (50, 256), np.int16)])
    reference, got = fft.reference(X), fft.dequantize(fft.transform(X))
    magnitude = FFT(256, "hann", "magnitude").reference(X)
    # What "complex" is off by, in a window as loud as the loudest bin.
    off = 2.0**-14 * magnitude.max(axis=1, keepdims=True) + 24 * FFT(256, "hann").extraction().transform.unit
    if output == "magnitude":
        assert (np.abs(got - reference) <= off + reference * 2.0**-13).all()
    elif output == "power":
        step = fft.extraction().unit()[0]
        assert (np.abs(got - reference) <= (2 * magnitude + off) * off + 4 * step).all()
    else:
        clear = magnitude > 100 * off
        assert clear.sum() > 1000
        assert np.abs(got - reference)[clear].max() < 0.1
        assert (got[X.any(axis=1) == 0] == reference[X.any(axis=1) == 0]).all()


def loudest(n_fft: int) -> np.ndarray:
    """Samples at their extremes, with the signs of bins' own cosines and sines: no input gives more there."""
    angle = 2 * np.pi * np.outer(np.arange(0, n_fft // 2 + 1, max(1, n_fft // 64)), np.arange(n_fft)) / n_fft
    extreme = np.where(np.concatenate([np.cos(angle), np.sin(angle), -np.sin(angle)]) > 0, 32767, -32768)
    return extreme.astype(np.int16)


@pytest.mark.parametrize("window", [None, "hann", "flattop"])
@pytest.mark.parametrize("n_fft", SIZES)
def test_the_largest_output_fits(n_fft: int, window: str | None) -> None:
    fft = FFT(n_fft, window=window, output="complex")
    re, im = fft.extraction().transform.spectrum(loudest(n_fft))  # in int64
    highest = max(np.abs(re).max(), np.abs(im).max())
    assert highest < 2**30
    assert highest > 2**27  # and little of the width is given away
    block = FFT(n_fft, window, precision="int16").extraction()
    re, im, _ = block.transform.mantissas(loudest(n_fft))
    assert (re**2 + im**2).max() < 23200**2
    assert np.abs(block.predict(loudest(n_fft)).astype(np.int64)).max() < 2**30


@pytest.mark.parametrize("down", [0, 1, 2, 3])
def test_no_sum_of_a_block_overflows(down: int) -> None:
    """Of the longest numbers that are shifted down by so much, of which four add up in one direction."""
    transform = FFT(4096, None, precision="int16").extraction().transform
    wave = quarter_wave(4096).astype(np.int64)
    directions = np.exp(2j * np.pi * np.append(np.arange(8) / 8, np.random.default_rng(0).uniform(0, 1, 90)))
    highest = 0
    for quarter in (2, 8, 32, 128, 512)[: 5 if down < 3 else 1]:
        angle = 2 * np.pi * np.arange(quarter) / (4 * quarter)
        # The fourth number has the conjugate of the second one's twiddle.
        turned = np.exp(1j * np.outer([0, 1, 2, -1], angle)) * directions[:, None, None]
        numbers = (6832, 15962, 32759, 46340)[down] * turned
        re, im = (
            np.trunc(part).clip(-32768, 32767).astype(np.int64) for part in (numbers.real, numbers.imag)
        )
        while (
            down < 2
            and (over := _excess(re.reshape(-1, 1), im.reshape(-1, 1)).reshape(re.shape) > down).any()
        ):
            re, im = (np.where(over, np.trunc(part * 0.995), part).astype(np.int64) for part in (re, im))
        shift = np.full(len(re), down)
        out = np.concatenate(transform._pass_of_block(re, im, wave, quarter, shift))
        assert out.min() >= -32768
        assert out.max() <= 32767
        highest = max(highest, out.max())
    assert highest > (25900, 31000, 32700, 16000)[down]


@pytest.mark.parametrize("down", [1, 2])
def test_no_bin_of_a_block_overflows(down: int) -> None:
    transform = FFT(4096, None, precision="int16").extraction().transform
    turns = np.random.default_rng(0).uniform(0, 1, (200, 2048))
    turns[:, 1025:] = turns[:, 1023:0:-1]  # of which some pairs add up
    numbers = (16370 if down == 1 else 32759) * np.exp(2j * np.pi * turns)
    re, im = np.trunc(numbers.real).astype(np.int64), np.trunc(numbers.imag).astype(np.int64)
    re, im = transform._apart_of_block(re, im, quarter_wave(4096).astype(np.int64), np.full((200, 1), down))
    assert 23100**2 < (re**2 + im**2).max() < 23200**2


@pytest.mark.parametrize("precision", ["int32", "int16"])
@pytest.mark.parametrize(
    ("output", "window"), [(o, "hann") for o in OUTPUTS] + [("complex", None), ("complex", "flattop")]
)
def test_c_is_the_twin_at_every_size(output: str, window: str | None, precision: str) -> None:
    calls, twins = [], []
    for n_fft in SIZES:
        fft = FFT(n_fft, output=output, window=window, precision=precision)
        X = np.concatenate([loudest(n_fft), stacked(n_fft)])
        program = mm.transpile(fft, name=f"fft{n_fft}")
        calls.append(predict_call(program.model, program.header, program.name, X))
        twins.append(fft.transform(X))
    results = core("host").run(calls, flags=(*SANITIZE, *STRICT), measure=False)
    for result, twin in zip(results, twins, strict=True):
        np.testing.assert_array_equal(result.y, twin)


@pytest.mark.boards
@pytest.mark.parametrize("name", ["avr", "cortex-m0plus", "cortex-m4f", "rv32imc"])
def test_boards_give_the_twin(name: str) -> None:
    calls, twins = [], []
    for n_fft, output, precision in (
        (256, "complex", "int32"),
        (512, "log", "int32"),
        (256, "complex", "int16"),
        (512, "power", "int16"),
        (128, "magnitude", "int16"),
    ):
        fft = FFT(n_fft, "hann" if n_fft == 128 else None, output, precision)
        program = mm.transpile(fft, name=f"fft{n_fft}{precision}")
        calls.append(predict_call(program.model, program.header, program.name, stacked(n_fft)))
        twins.append(fft.transform(stacked(n_fft)))
    for result, twin in zip(core(name).run(calls, flags=("-O2", *STRICT)), twins, strict=True):
        np.testing.assert_array_equal(result.y, twin)


@pytest.mark.boards
@pytest.mark.parametrize("name", ["avr", "cortex-m0plus", "cortex-m4f"])
def test_assembler_gives_the_twin_at_every_size(name: str) -> None:
    """Both radices of the first pass, windows below 0 and, on AVR, samples scaled by bytes."""
    calls, twins = [], []
    for n_fft in (8, 16, 32, 64, 128):
        X = np.concatenate([loudest(n_fft)[::7], stacked(n_fft)])
        windows = [(window, "int32") for window in (None, "flattop", ("gaussian", 0.3))]
        for window, precision in (*windows, (None, "int16"), ("flattop", "int16")):
            fft = FFT(n_fft, window, "complex", precision)
            program = mm.transpile(fft, name=f"fft{len(calls)}")
            calls.append(predict_call(program.model, program.header, program.name, X))
            twins.append(fft.transform(X))
    for result, twin in zip(core(name).run(calls, flags=("-O2", *STRICT)), twins, strict=True):
        np.testing.assert_array_equal(result.y, twin)


@pytest.mark.boards
@pytest.mark.parametrize("name", ["avr", "cortex-m0plus", "cortex-m4f"])
@pytest.mark.parametrize("n_fft", [16, 32, 64])
def test_a_transform_alone_in_its_program(n_fft: int, name: str) -> None:
    """Then its constants are known: two that are equal must not share a register that assembler changes."""
    fft = FFT(n_fft, "hamming", "power")
    program = mm.transpile(fft, name="alone")
    X = stacked(n_fft)
    result = core(name).run([predict_call(program.model, program.header, program.name, X)], measure=False)[0]
    np.testing.assert_array_equal(result.y, fft.transform(X))


@pytest.mark.boards
@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("cortex-m0plus", ["-fno-omit-frame-pointer"]),
        ("cortex-m4f", ["-fno-omit-frame-pointer"]),
        ("cortex-m4f", ["-mno-unaligned-access"]),
    ],
)
def test_assembler_leaves_registers_to_others(name: str, options: list[str]) -> None:
    """A frame pointer takes one of them; and words at odd places are only read where they may be."""
    fft = FFT(64, "hann", "complex")
    program = mm.transpile(fft, name="narrow")
    call = predict_call(program.model, program.header, program.name, stacked(64))
    result = core(name).run([call], flags=("-O2", *options, *STRICT))[0]
    np.testing.assert_array_equal(result.y, fft.transform(stacked(64)))


@pytest.mark.boards
@pytest.mark.parametrize("precision", ["int32", "int16"])
def test_an_avr_without_a_multiplier_gives_the_twin(precision: str) -> None:
    """As an ATtiny, for which the compiler has C alone."""
    fft = FFT(128, "hann", precision=precision)
    program = mm.transpile(fft, name="plain")
    call = predict_call(program.model, program.header, program.name, stacked(128))
    # Without the second one, avr-libc defines the first one again.
    flags = ("-Os", "-U__AVR_HAVE_MUL__", "-U__AVR_ENHANCED__", *STRICT)
    np.testing.assert_array_equal(core("avr").run([call], flags=flags)[0].y, fft.transform(stacked(128)))
    assert not any(name.startswith("mml2_avr") for name in core("avr").symbols(call, flags=flags))
    assert any(name.startswith("mml2_avr") for name in core("avr").symbols(call, flags=("-Os", *STRICT)))


def test_mantissas_are_the_callers_own() -> None:
    """`<name>_spectrum` gives them, and what they are to be multiplied by, in n_fft + 2 int16."""
    fft = FFT(64, "hann", precision="int16")
    program = mm.transpile(fft, name="block")
    re, im, exponent = fft.extraction().transform.mantissas(stacked(64))
    call = Call(program.header, stacked(64), "y[66] = block_spectrum(x, y);", "int16", 67)
    y = core("host").run([call], flags=STRICT, measure=False)[0].y
    np.testing.assert_array_equal(y[:, :66], np.stack([re, im], axis=2).reshape(len(re), -1))
    np.testing.assert_array_equal(y[:, 66], exponent)


def test_silence_is_zero() -> None:
    for precision in ("int32", "int16"):
        for output in OUTPUTS:
            fft = FFT(64, output=output, precision=precision)
            assert not fft.transform(every_kind(64)["silent"][None]).any()


def test_as_a_transformer_of_scikit_learn() -> None:
    pytest.importorskip("pandas")
    fft = clone(FFT(8, window="hamming", output="log"))
    assert fft.get_params() == {"n_fft": 8, "window": "hamming", "output": "log", "precision": "int32"}
    frame = fft.set_output(transform="pandas").fit_transform(stacked(8))
    assert list(frame.columns) == ["log0", "log1", "log2", "log3", "log4"]
    assert FFT(8, output="complex").get_feature_names_out()[:3].tolist() == ["re0", "im0", "re1"]


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"n_fft": 300}, r"n_fft=300; a power of two from 8 to 4096 is needed"),
        ({"n_fft": 4}, r"n_fft=4; a power of two"),
        ({"n_fft": 8192}, r"n_fft=8192; a power of two"),
        ({"output": "phase"}, r"output='phase': use one of complex, power, magnitude, log"),
        ({"window": "hanning?"}, r"window='hanning\?' is none of scipy"),
        ({"window": 3}, r"window=3: use a name"),
        ({"window": ("general_cosine", [2.0, 1.0])}, r"has values up to 3; .* at most 1"),
        ({"precision": "int8"}, r"precision='int8': use 'int32' or 'int16'"),
    ],
)
def test_unfit_parameters_are_refused(parameters: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        FFT(**{"n_fft": 64, **parameters}).fit(stacked(64))  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=message):
        mm.port(FFT(**{"n_fft": 64, **parameters}))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("X", "message"),
    [
        (np.zeros((2, 64)), r"dtype float64; int16 samples are needed"),
        (np.full((2, 64), np.nan), r"dtype float64; int16 samples are needed"),
        (np.zeros((2, 60), np.int16), r"windows have 60 samples; n_fft=64 are needed"),
        (np.zeros(64, np.int16), r"shape \(64,\); \(n_windows, n_samples\) is needed"),
        (np.zeros((0, 64), np.int16), r"has no windows"),
        (np.full((1, 64), 40000), r"samples from 40000 to 40000; int16 holds"),
    ],
)
def test_unfit_samples_are_refused(X: np.ndarray, message: str) -> None:
    for method in ("fit", "transform", "reference"):
        with pytest.raises(ValueError, match=message):
            getattr(FFT(64), method)(X)


def test_integers_of_other_types_are_samples_where_they_fit() -> None:
    X = stacked(64)
    np.testing.assert_array_equal(FFT(64).transform(X.astype(np.int64)), FFT(64).transform(X))


def test_a_header_takes_samples_in_its_own_dtype_only() -> None:
    program = mm.transpile(FFT(64), name="fft")
    np.testing.assert_array_equal(program.transform(stacked(64)), FFT(64).transform(stacked(64)))
    assert "fft_quantize" not in program.header
    with pytest.raises(ValueError, match=r"X has dtype float64; int16 samples are needed"):
        program.transform(np.zeros((1, 64)))
    with pytest.raises(ValueError, match=r"FFT takes int16 samples whatever dtype says"):
        mm.port(FFT(64), dtype="int8")


def test_numbers_of_another_shape_are_not_dequantized() -> None:
    with pytest.raises(ValueError, match=r"Y has shape \(1, 5\); \(n_windows, 33\) is needed"):
        FFT(64, output="log").dequantize(np.zeros((1, 5), np.int32))
