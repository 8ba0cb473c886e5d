import importlib.util
import sys
from pathlib import Path

import pytest

from micromlgen.boards import toolchain
from micromlgen.errors import ToolchainError


@pytest.mark.parametrize(
    ("tool", "packages"),
    [
        ("cc", "gcc binutils"),
        ("avr-gcc", "gcc-avr avr-libc"),
        ("arm-none-eabi-size", "gcc-arm-none-eabi libnewlib-arm-none-eabi"),
        ("riscv64-unknown-elf-gcc", "gcc-riscv64-unknown-elf picolibc-riscv64-unknown-elf"),
        ("qemu-system-arm", "qemu-system-arm"),
        ("xtensa-lx106-elf-gcc", "gcc-xtensa-lx106 picolibc-xtensa-lx106-elf"),
        ("qemu-system-riscv32", "qemu-system-misc"),
        ("qemu-system-xtensa", "qemu-system-misc"),
    ],
)
def test_missing_tool(tool: str, packages: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ToolchainError, match=f"^{tool} not found: apt-get install {packages}$"):
        toolchain.execute([tool], tmp_path, "trying")


def test_failing_tool_shows_its_first_errors(tmp_path: Path) -> None:
    script = "import sys; sys.exit('note\\n' + '\\n'.join(f'a.c:{i}: error: no {i}' for i in range(9)))"
    with pytest.raises(ToolchainError) as caught:
        toolchain.execute([sys.executable, "-c", script], tmp_path, "compiling")
    assert str(caught.value).splitlines() == [
        "compiling failed (1):",
        *(f"a.c:{i}: error: no {i}" for i in range(5)),
    ]


def test_failing_tool_without_errors_shows_its_end(tmp_path: Path) -> None:
    with pytest.raises(ToolchainError) as caught:
        toolchain.execute(
            [sys.executable, "-c", "import sys; sys.exit('x' * 9000 + 'fault')"], tmp_path, "it"
        )
    assert str(caught.value).endswith("xfault\n")
    assert len(str(caught.value)) < 3000


def test_hanging_tool(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(toolchain, "TIMEOUT", 0.2)
    with pytest.raises(ToolchainError, match=r"^it did not finish within 0\.2 s$"):
        toolchain.execute([sys.executable, "-c", "import time; time.sleep(60)"], tmp_path, "it")


def test_compiler_of_the_host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CC", "ccache clang")
    assert toolchain.host_compiler() == ["ccache", "clang"]

    monkeypatch.delenv("CC")
    monkeypatch.setenv("PATH", str(tmp_path))
    (tmp_path / "cc").touch(mode=0o755)
    assert toolchain.host_compiler() == ["cc"]

    (tmp_path / "cc").unlink()
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: name == "ziglang")
    assert toolchain.host_compiler() == [sys.executable, "-m", "ziglang", "cc"]

    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ToolchainError, match="apt-get install gcc, or set CC, or pip install ziglang"):
        toolchain.host_compiler()
