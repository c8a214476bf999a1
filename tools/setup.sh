#!/bin/sh
# Makes the virtual environment: setup.sh FOLDER [PYTHON]. Run again, it mends what an interruption left.
set -eu
venv=$1
fits='import sys; sys.exit(not (3, 10) <= sys.version_info[:2] <= (3, 12))'

python=${2:-}
if [ -z "$python" ]; then
    for candidate in python3 python3.12 python3.11 python3.10; do
        if "$candidate" -c "$fits" 2>/dev/null; then python=$candidate; break; fi
    done
fi
if [ -z "$python" ] || ! "$python" -c "$fits" 2>/dev/null; then
    echo "error: Python 3.10, 3.11 or 3.12 is needed, and ${python:-python3} is none of them;" \
        "name one with: make setup PYTHON=/path/to/python3.11" >&2
    exit 2
fi
if ! "$python" -c "import venv, ensurepip" 2>/dev/null; then
    echo "error: $python has no venv module; on Debian and Ubuntu: apt install python3-venv" >&2
    exit 2
fi

# An environment that another interpreter made, or that was moved here, cannot be mended in place.
if [ -d "$venv" ] && ! "$venv/bin/python" -c "$fits" 2>/dev/null; then rm -rf "$venv"; fi
if [ ! -x "$venv/bin/pip" ]; then
    echo "Making $venv with $("$python" --version)"
    "$python" -m venv "$venv"
fi
echo "Installing the pinned dependencies (torch is large: minutes on a first call)"
"$venv/bin/python" -m pip install --quiet --constraint constraints.txt pip setuptools
# The build environment pip makes for this package takes its setuptools from the same constraints.
PIP_CONSTRAINT=$PWD/constraints.txt "$venv/bin/python" -m pip install --quiet --constraint constraints.txt \
    --editable '.[dev]'
# Where Python writes no bytecode (PYTHONDONTWRITEBYTECODE, usual in containers), each command would compile all anew.
"$venv/bin/python" -m compileall -q ./*.py analysis benchmarks execution pde_ops records search_space strategies training
