"""From operators of TensorFlow Lite to those of a net: what is known of tensors, what translators share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import inf

from micromlgen.errors import UnsupportedError
from micromlgen.models._graph import Node
from micromlgen.models._graph_ops import Operator
from micromlgen.models._graph_value import Value
from micromlgen.nn._flat import FlatModel, FlatOperator, FlatTensor

#: Ranges of fused activations by their numbers in the schema.
_ACTIVATIONS = {0: (-inf, inf), 1: (0.0, inf), 2: (-1.0, 1.0), 3: (0.0, 6.0)}


class Reader:
    """What is known so far of a net that is translated operator by operator."""

    def __init__(self, flat: FlatModel) -> None:
        self.flat = flat
        self.nodes: list[Node] = []
        self.values: dict[int, Value] = {}

    def value(self, index: int) -> Value:
        """The activation that is the tensor of this number, from now on among `values`.

        Raises
        ------
        UnsupportedError
            If its shape, type or scale cannot be ported.
        """
        tensor = self.flat.tensors[index]
        name, shape = tensor.name, tensor.shape
        if len(shape) < 2 or abs(shape[0]) != 1:
            raise UnsupportedError(f"tensor {name!r} has the shape {list(shape)}; a batch of 1 comes first")
        if min(shape[1:]) < 1:
            raise UnsupportedError(
                f"tensor {name!r} has the dynamic shape {list(shape)}; export it with fixed ones"
            )
        if tensor.kind not in ("int8", "float32"):
            raise UnsupportedError(f"tensor {name!r} is of {tensor.kind}; int8 and float32 can be ported")
        value = Value(shape[1:])
        if tensor.kind == "int8":
            if tensor.scales is None or tensor.zeros is None or len(tensor.scales) != 1:
                raise UnsupportedError(f"tensor {name!r} is of int8 without one scale")
            if not -128 <= tensor.zeros[0] <= 127:
                raise UnsupportedError(f"tensor {name!r} has the zero point {tensor.zeros[0]}")
            value = Value(shape[1:], float(tensor.scales[0]), int(tensor.zeros[0]))
        if any((value.scale is None) != (other.scale is None) for other in self.values.values()):
            raise UnsupportedError(
                f"tensor {name!r} is of {tensor.kind}, unlike others; quantise the whole net"
            )
        self.values[index] = value
        return value

    def constant(self, op: FlatOperator, number: int, kinds: Sequence[str]) -> FlatTensor:
        """The constant that is the input `number`, of one of these types.

        Raises
        ------
        UnsupportedError
            If it is none.
        """
        index = op.inputs[number] if number < len(op.inputs) else -1
        tensor = self.flat.tensors[index] if index >= 0 else None
        if tensor is None or tensor.data is None:
            raise UnsupportedError(f"{op.code} whose input {number} is not constant")
        if tensor.kind not in kinds:
            raise UnsupportedError(
                f"{op.code} with {tensor.kind} in its input {number}; {kinds[0]} can be ported"
            )
        return tensor

    def input(self, op: FlatOperator, number: int = 0) -> Value:
        """The activation that is the input `number`.

        Raises
        ------
        UnsupportedError
            If it is none.
        """
        index = op.inputs[number] if number < len(op.inputs) else -1
        if index not in self.values:
            raise UnsupportedError(f"{op.code} of a constant or of what is not computed before it")
        return self.values[index]

    def image(self, op: FlatOperator) -> tuple[int, int, int]:
        """Height, width and channels of the image that goes in.

        Raises
        ------
        UnsupportedError
            If it is none.
        """
        shape = self.input(op).shape
        if len(shape) != 3:
            raise UnsupportedError(f"{op.code} of the shape {list(shape)}; images of 3 axes are needed")
        return shape[0], shape[1], shape[2]


#: The operator of a net, and the numbers of the tensors that it takes.
Translated = tuple[Operator, tuple[int, ...]]
#: Makes that of an operator of the file and of its output.
Translator = Callable[[Reader, FlatOperator, Value], Translated]


def fused(op: FlatOperator) -> tuple[float, float]:
    """The range of the activation that follows an operator.

    Raises
    ------
    UnsupportedError
        If there is no such activation here.
    """
    number = op.option("FusedActivationFunction")
    if number not in _ACTIVATIONS:
        raise UnsupportedError(f"{op.code} with the fused activation number {number} cannot be ported")
    return _ACTIVATIONS[number]


def expect(op: FlatOperator, shape: tuple[int, ...], out: Value) -> None:
    """Hold what an operator gives against what the file says.

    Raises
    ------
    UnsupportedError
        If these are different shapes.
    """
    if shape != out.shape:
        raise UnsupportedError(f"{op.code} gives the shape {list(shape)}, the file says {list(out.shape)}")
