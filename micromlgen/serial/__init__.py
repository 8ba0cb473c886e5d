"""The board at the other end of the cable: check a model on it, collect data from it, watch it predict.

Everything here talks to a `Port` and takes the time from it, so that tests can play boards, faults and
clocks.
"""
