"""Sketches built with the real Arduino core, on a simulated board, over its serial port."""

import os
import subprocess
import sys
import textwrap
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import serial

from micromlgen.boards import arduino
from micromlgen.boards.toolchain import execute
from micromlgen.errors import ToolchainError

pytestmark = pytest.mark.boards

BLINK = """
void setup() { pinMode(LED_BUILTIN, OUTPUT); }
void loop() { digitalWrite(LED_BUILTIN, !digitalRead(LED_BUILTIN)); delay(500); }
"""

# Answers letters: c counts, m tells the time in ms, w waits for 300 ms of silence, x writes where no RAM is.
CONSOLE = """
#include "start.h"
int counter = START;
void setup() { Serial.begin(115200); Serial.println(F("ready")); }
void loop() {
  const int c = Serial.read();
  if (c == 'c') Serial.println(counter++);
  else if (c == 'm') Serial.println(millis());
  else if (c == 'w') { char b; Serial.setTimeout(300); Serial.println(Serial.readBytes(&b, 1)); }
  else if (c == 'x') *(volatile byte *)0x9000 = 1;
  else if (c >= 0) Serial.write(c);
}
"""


def write(folder: Path, text: str) -> Path:
    folder.mkdir(exist_ok=True)
    sketch = folder / f"{folder.name}.ino"
    sketch.write_text(text)
    return sketch


@pytest.fixture(scope="module", params=["uno", "mega"])
def console(request, tmp_path_factory):
    """A board's name and the ELF file of the console sketch for it."""
    folder = tmp_path_factory.mktemp("sketches") / "console"
    write(folder, CONSOLE)
    (folder / "start.h").write_text("#define START 7\n")
    return request.param, arduino.build_sketch(folder, request.param, folder / "build").elf


@pytest.fixture
def port(console):
    board, elf = console
    with arduino.boot(elf, board) as path, serial.Serial(path, 115_200, timeout=5) as port:
        assert port.readline() == b"ready\r\n"
        yield port


def ask(port, question: bytes) -> int:
    port.write(question)
    return int(port.readline())


@pytest.mark.parametrize("board", ["uno", "mega"])
def test_sizes_are_those_of_a_blink(board, tmp_path):
    sketch = arduino.build_sketch(write(tmp_path / "blink", BLINK), board, tmp_path / "out")
    assert sketch.elf.is_file()
    assert 700 < sketch.flash < 2000  # the core's timers and pins, and none of its other parts
    assert 0 < sketch.ram < 100


def test_prototypes_are_demanded(tmp_path):
    sketch = write(tmp_path / "late", "void setup() { later(); } void later() {} void loop() {}")
    with pytest.raises(ToolchainError, match=r"late\.ino.*'later' was not declared"):
        arduino.build_sketch(sketch, "uno", tmp_path)


TABLES = """
const PROGMEM byte first[%d] = {1}, second[16000] = {2};
volatile byte work[%d];
void setup() { Serial.begin(9600); }
void loop() { work[millis()] = pgm_read_byte((millis() & 1 ? first : second) + millis()); }
"""


def test_a_sketch_that_does_not_fit_is_refused(tmp_path):
    small = arduino.build_sketch(write(tmp_path / "small", TABLES % (1, 1)), "uno", tmp_path)
    into_the_boot_loader, beyond_the_ram = (32_256 - small.flash + 50, 1), (1, 2_048 - small.ram + 50)
    for sizes, told in (
        (into_the_boot_loader, r"big\.ino is too big for Arduino Uno.*: 32[0-9]{3} of 32256 bytes of flash"),
        (beyond_the_ram, r"linking big\.ino failed(?s:.)*`\.bss' is not within region `data'"),
    ):
        sketch = write(tmp_path / "big", TABLES % sizes)
        with pytest.raises(ToolchainError, match=told):
            arduino.build_sketch(sketch, "uno", tmp_path)
        arduino.build_sketch(sketch, "mega", tmp_path)


def test_a_folder_needs_exactly_one_sketch(tmp_path):
    for folder in (tmp_path, tmp_path / "none"):
        with pytest.raises(ToolchainError, match="exactly one"):
            arduino.build_sketch(folder, "uno", tmp_path)


def test_other_boards_have_no_arduino_core_here():
    with pytest.raises(ToolchainError, match="uno and mega only, not for 'pico'"):
        arduino.include_flags("pico")


def test_a_missing_core_names_its_package(tmp_path, monkeypatch):
    monkeypatch.setattr(arduino, "CORE", tmp_path)
    with pytest.raises(ToolchainError, match="apt-get install arduino-core-avr"):
        arduino.build_sketch(write(tmp_path / "blink", BLINK), "uno", tmp_path)


def test_a_missing_compiler_names_its_package(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ToolchainError, match="apt-get install gcc-avr"):
        arduino.build_sketch(write(tmp_path / "blink", BLINK), "uno", tmp_path)


def test_a_missing_simulator_names_its_package(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(arduino, "host_compiler", lambda: ["false"])
    with pytest.raises(ToolchainError, match="apt-get install libsimavr-dev"), arduino.boot(tmp_path, "uno"):
        pass


def test_the_core_can_be_built_by_many_at_once(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    sketch = write(tmp_path / "blink", BLINK)
    with ThreadPoolExecutor(3) as pool:
        built = list(pool.map(lambda i: arduino.build_sketch(sketch, "uno", tmp_path / str(i)), range(3)))
    assert len({(one.flash, one.ram) for one in built}) == 1
    assert len(list((tmp_path / "cache" / "micromlgen").glob("*.a"))) == 1


@pytest.mark.parametrize("board", ["uno", "mega"])
def test_include_flags_reach_the_real_arduino_h(board, tmp_path):
    source = tmp_path / "names.cpp"
    source.write_text('#include <Arduino.h>\nstatic_assert(F_CPU == 16000000L && LED_BUILTIN == 13, "");\n')
    command = ["avr-g++", "-std=gnu++11", "-c", *arduino.include_flags(board), str(source)]
    execute(command, tmp_path, "compiling")


def test_the_port_echoes_every_byte(port):
    sent = bytes(range(128, 256)) * 20
    with ThreadPoolExecutor(1) as pool:
        pool.submit(port.write, sent)
        assert port.read(len(sent)) == sent


def test_opening_the_port_resets_the_sketch(console):
    board, elf = console
    with arduino.boot(elf, board) as path:
        for _ in range(3):
            with serial.Serial(path, 115_200, timeout=5) as port:
                assert port.readline() == b"ready\r\n"
                assert [ask(port, b"c"), ask(port, b"c")] == [7, 8]


def test_a_quiet_board_keeps_the_time(port):
    start = time.monotonic()
    before = ask(port, b"m")
    time.sleep(0.5)
    passed = ask(port, b"m") - before
    assert 100 < passed < 1000 * (time.monotonic() - start) + 5  # late on a busy machine, but never early
    start = time.monotonic()
    assert ask(port, b"w") == 0
    assert time.monotonic() - start > 0.28


def crash(board: str, elf: Path) -> None:
    with arduino.boot(elf, board) as path, serial.Serial(path, 115_200, timeout=5) as port:
        port.readline()
        port.write(b"x")
        while True:
            port.read()


def test_a_crash_is_an_error(console):
    with pytest.raises(ToolchainError, match=r"console\.ino\.elf on the simulated .*: the sketch crashed"):
        crash(*console)


def test_what_is_no_sketch_is_an_error(tmp_path):
    with pytest.raises(ToolchainError, match="usage"), arduino.boot(tmp_path / "none.elf", "uno"):
        pass


def interrupt(board: str, elf: Path, paths: list[str]) -> None:
    with arduino.boot(elf, board) as path:
        paths.append(path)
        assert os.path.exists(path)
        raise KeyboardInterrupt


def test_the_board_goes_with_the_context(console):
    paths: list[str] = []
    with pytest.raises(KeyboardInterrupt):
        interrupt(*console, paths)
    assert not os.path.exists(paths[0])


def test_the_board_does_not_outlive_its_starter(console):
    board, elf = console
    script = f"""
        import os, pathlib
        from micromlgen.boards import arduino
        with arduino.boot(pathlib.Path({str(elf)!r}), {board!r}) as path:
            print(path, flush=True)
            os._exit(0)
    """
    started = subprocess.run([sys.executable, "-c", textwrap.dedent(script)], capture_output=True, text=True)
    path, deadline = started.stdout.strip(), time.monotonic() + 5
    assert path.startswith("/dev/")
    while os.path.exists(path) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not os.path.exists(path)
