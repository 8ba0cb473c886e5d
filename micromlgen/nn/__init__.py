"""Tiny neural nets: compression of scikit-learn's perceptrons."""

from micromlgen.nn._report import Cost
from micromlgen.nn.distill import distill
from micromlgen.nn.prune import prune
from micromlgen.nn.quantize_aware import quantize_aware
from micromlgen.nn.share import share

__all__ = ["Cost", "distill", "prune", "quantize_aware", "share"]
