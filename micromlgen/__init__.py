"""scikit-learn on a microcontroller: the same predictions, in one C/C++ header with no dependencies."""

from micromlgen.program import port, transpile, verify

__all__ = ["port", "transpile", "verify"]
