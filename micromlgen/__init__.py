"""scikit-learn on a microcontroller: the same predictions, in one C/C++ header with no dependencies."""

from micromlgen.datasets import port_testset, port_trainset
from micromlgen.datasets import port_wifi_indoor_positioning as port_wifi_indoor_positioning  # refused
from micromlgen.transpile import port, transpile, verify

__all__ = ["port", "port_testset", "port_trainset", "transpile", "verify"]
