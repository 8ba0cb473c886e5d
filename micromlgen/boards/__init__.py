"""Boards, their toolchains and their simulators: C is compiled and executed here, and nowhere else."""

from micromlgen.boards.call import Call, Result, Size
from micromlgen.boards.catalog import Board, How, board, boards, core
from micromlgen.boards.core import Core
from micromlgen.boards.cores import CORES
from micromlgen.boards.toolchain import STRICT

__all__ = ["CORES", "STRICT", "Board", "Call", "Core", "How", "Result", "Size", "board", "boards", "core"]
