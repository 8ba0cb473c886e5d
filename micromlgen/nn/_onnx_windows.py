"""Operators of ONNX that see windows of an image: pooling, and means."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from micromlgen.errors import UnsupportedError
from micromlgen.models._graph_ops import Averaging, Pooling, averaged_axes
from micromlgen.models._graph_window import Window, same_padding
from micromlgen.nn._onnx_reader import Entry, Reader, Step, Translator

#: Largest side of a window.
_MOST_SIDE = 4096


def window_of(step: Step, image: tuple[int, int, int], size: Sequence[int]) -> Window:
    """The window of an operator, by its attributes.

    Parameters
    ----------
    step : Step
    image : (height, width, channels)
    size : sequence of int
        Of the window: two sides, or one, whose height is then 1.

    Raises
    ------
    UnsupportedError
        If its attributes cannot be ported, or it does not fit in the image.
    """
    one = len(size) == 1

    def both(name: str) -> tuple[int, ...]:
        given = [int(i) for i in step.get(name, [1] * len(size))]
        if len(given) != len(size):
            raise UnsupportedError(f"{step.kind} with {name}={given}")
        return (1, *given) if one else tuple(given)

    sizes = tuple([1, *size] if one else size)
    stride, dilation = both("strides"), both("dilations")
    pads = [int(i) for i in step.get("pads", [0] * 2 * len(size))]
    if len(sizes) != 2 or len(pads) != 2 * len(size) or min(pads) < 0:
        raise UnsupportedError(f"{step.kind} with the window {list(size)} and pads {pads}")
    if min(*sizes, *stride, *dilation) < 1 or max(*sizes, *stride, *dilation, *pads) > _MOST_SIDE:
        raise UnsupportedError(f"{step.kind} with the window {list(size)}, strides {stride}")
    pad = (0, pads[0], 0, pads[1]) if one else (pads[0], pads[1], pads[2], pads[3])
    auto = step.get("auto_pad", "NOTSET")
    if auto in ("SAME_UPPER", "SAME_LOWER"):
        pad = same_padding(
            image[:2], (sizes[0], sizes[1]), (stride[0], stride[1]), (dilation[0], dilation[1])
        )
        pad = pad if auto == "SAME_UPPER" else (pad[2], pad[3], pad[0], pad[1])
    elif auto not in ("NOTSET", "VALID"):
        raise UnsupportedError(f"{step.kind} with auto_pad={auto!r}")
    window = Window(image, (sizes[0], sizes[1]), (stride[0], stride[1]), (dilation[0], dilation[1]), pad)
    if min(window.places) < 1:
        raise UnsupportedError(f"{step.kind}: the window {list(size)} does not fit in {list(image)}")
    return window


def _pooled(reader: Reader, step: Step) -> Entry:
    entry, image = reader.image(step, reader.entry(step))
    size = [int(i) for i in step.get("kernel_shape", ())]
    if len(size) != len(entry.shape) - 1:
        raise UnsupportedError(f"{step.kind} with kernel_shape={size} of {list(entry.shape)}")
    window = window_of(step, image, size)
    if max(window.dilation) > 1 or (any(window.pad) and step.get("count_include_pad", 0)):
        raise UnsupportedError(f"{step.kind} with dilations or count_include_pad=1 cannot be ported")
    if step.get("ceil_mode", 0) and _left_over(window):
        raise UnsupportedError(f"{step.kind} with ceil_mode=1 where windows leave the image cannot be ported")
    sizes = window.places if len(size) == 2 else window.places[1:]
    if max(p >= k for p, k in zip(window.pad[:2], window.size, strict=True)):
        raise UnsupportedError(f"{step.kind} with windows that see nothing of the image")
    operator = Pooling("max" if step.kind == "MaxPool" else "mean", window)
    index = reader.add(operator, [entry.index], (*sizes, image[2]), like=entry.index)
    return Entry(index, (image[2], *sizes), (image[2], *sizes))


def _left_over(window: Window) -> bool:
    """Whether pixels at the end are in no window."""
    sides = (window.image[0] + window.pad[0] + window.pad[2], window.image[1] + window.pad[1] + window.pad[3])
    return any((n - k) % s for n, k, s in zip(sides, window.size, window.stride, strict=True))


def globally_averaged(reader: Reader, step: Step, entry: Entry) -> Entry:
    """The mean over height and width."""
    entry, image = reader.image(step, entry)
    shape = (*(1,) * (len(entry.shape) - 1), image[2])
    index = reader.add(Averaging((1, image[0] * image[1], image[2])), [entry.index], shape)
    turned = (image[2], *(1,) * (len(entry.shape) - 1))
    return Entry(index, turned, turned)


def _global_mean(reader: Reader, step: Step) -> Entry:
    return globally_averaged(reader, step, reader.entry(step))


def _global_max(reader: Reader, step: Step) -> Entry:
    entry, image = reader.image(step, reader.entry(step))
    shape = (*(1,) * (len(entry.shape) - 1), image[2])
    operator = Pooling("max", Window(image, image[:2], image[:2]))
    index = reader.add(operator, [entry.index], shape, like=entry.index)
    turned = (image[2], *(1,) * (len(entry.shape) - 1))
    return Entry(index, turned, turned)


def _mean(reader: Reader, step: Step) -> Entry:
    entry = reader.entry(step)
    axes, rank = reader.integers(step, 1, "axes"), len(entry.shape) + 1
    over = sorted({a % rank - 1 for a in axes or ()})
    if not over or over[0] < 0:
        raise UnsupportedError(f"ReduceMean over the axes {axes}")
    keep = bool(step.get("keepdims", 1))
    if entry.image == entry.shape and over == list(range(1, len(entry.shape))):
        out = globally_averaged(reader, step, entry)
        return out if keep else replace(out, shape=out.shape[:1])
    entry = reader.plain(entry)
    shape = tuple(1 if d in over else n for d, n in enumerate(entry.shape) if keep or d not in over)
    index = reader.add(Averaging(averaged_axes(entry.shape, over)), [entry.index], shape)
    return Entry(index, shape)


TRANSLATORS: Mapping[str, Translator] = {
    "MaxPool": _pooled,
    "AveragePool": _pooled,
    "GlobalAveragePool": _global_mean,
    "GlobalMaxPool": _global_max,
    "ReduceMean": _mean,
}
