"""Tiny neural nets: compression of scikit-learn's perceptrons, and nets from other frameworks."""

from micromlgen.nn._report import Cost
from micromlgen.nn.distill import distill
from micromlgen.nn.net import Net
from micromlgen.nn.onnx import load_onnx
from micromlgen.nn.perceptron import as_net
from micromlgen.nn.prune import prune
from micromlgen.nn.quantize_aware import quantize_aware
from micromlgen.nn.share import share
from micromlgen.nn.tflite import load_tflite

__all__ = ["Cost", "Net", "as_net", "distill", "load_onnx", "load_tflite", "prune", "quantize_aware", "share"]
