#!/usr/bin/env bash
# Installs what the Makefile's targets need, where it is missing, and says what it installs.
#
#   tools/setup.sh lint    .venv
#   tools/setup.sh docs    .venv
#   tools/setup.sh demo    .venv, and the compiler and simulator of an Arduino
#   tools/setup.sh examples  .venv, the compilers and simulators of every core, and a speaking voice
#   tools/setup.sh test    .venv, .venv-oldest, and the compilers and simulators of every core
set -euo pipefail
cd "$(dirname "$0")/.."

host=()
command -v cc >/dev/null && command -v c++ >/dev/null || host=(gcc g++ libc6-dev)
arduino=(gcc-avr avr-libc binutils-avr arduino-core-avr libsimavr-dev libelf-dev)
cores=(
    clang cmake
    gcc-arm-none-eabi libnewlib-arm-none-eabi qemu-system-arm
    gcc-riscv64-unknown-elf picolibc-riscv64-unknown-elf qemu-system-misc
    gcc-xtensa-lx106 picolibc-xtensa-lx106-elf
)
speech=(espeak-ng)
python=${PYTHON:-python3}

say() { printf 'setup: %s\n' "$*"; }
fail() { say "$*" >&2; exit 1; }

installed() { [ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]; }

# Debian packages: those of the arguments that are missing, in one go.
packages() {
    local package missing=() root=()
    "$python" -c 'import ensurepip' 2>/dev/null || set -- python3-venv "$@"
    command -v dpkg-query >/dev/null || { say "no Debian here; needed are: $*"; return; }
    for package; do installed "$package" || missing+=("$package"); done
    [ ${#missing[@]} -gt 0 ] || return 0
    if [ "$(id -u)" != 0 ]; then
        root=(sudo)
        command -v sudo >/dev/null || fail "without sudo, do as root: apt-get install ${missing[*]}"
    fi
    say "installing Debian packages with ${root[*]:+sudo }apt-get: ${missing[*]}"
    "${root[@]}" apt-get update -q
    "${root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "${missing[@]}"
}

# A virtual environment, made anew when pyproject.toml or this file have changed: folder, what pip installs.
environment() {
    local folder=$1
    shift
    cat pyproject.toml tools/setup.sh | cmp -s - "$folder/ready" && return
    say "making $folder with pip: $*"
    "$python" -m venv --clear "$folder"
    "$folder/bin/pip" install -q --disable-pip-version-check "$@"
    cat pyproject.toml tools/setup.sh > "$folder/ready"
}

# What micromlgen 1.x ported besides; without their dependencies, which name a package that is gone.
companions() {
    "$1/bin/python" -c 'import principalfft, sefr' 2>/dev/null ||
        "$1/bin/pip" install -q --disable-pip-version-check --no-deps principal-fft==1.0.5 sefr==1.0.2
}

# The oldest version of each dependency that pyproject.toml allows.
oldest() {
    "$python" - <<'END'
import tomllib

with open("pyproject.toml", "rb") as file:
    print(*(needed.replace(">=", "==") for needed in tomllib.load(file)["project"]["dependencies"]))
END
}

"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || fail "$python is older than Python 3.11"
case ${1:-} in
    lint | docs) packages ;;
    demo) packages "${host[@]}" "${arduino[@]}" ;;
    examples | test) packages "${host[@]}" "${arduino[@]}" "${cores[@]}" "${speech[@]}" ;;
    *) fail "usage: tools/setup.sh lint|docs|demo|examples|test" ;;
esac
# The boosters of other libraries; XGBoost without its 500 MB for graphics cards.
boosters=(catboost lightgbm xgboost-cpu)
environment .venv -e '.[audio,demo,docs,examples,onnx,runtimes,test]' "${boosters[@]}"
companions .venv
if [ "$1" = test ]; then
    read -ra pinned <<< "$(oldest)"
    environment .venv-oldest -e '.[test]' "${pinned[@]}"
    companions .venv-oldest
fi
