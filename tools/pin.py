"""Rewrites the lower part of constraints.txt: `python tools/pin.py OLDEST [NEWER ...]`, interpreters by path.

Each interpreter's pip resolves the package and its extras under the upper part's pins; where the answers
differ, the oldest interpreter's is marked. Nothing is installed but a throw-away virtual environment.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CONSTRAINTS = ROOT / "constraints.txt"
DIVIDER = "# ---- resolved by tools/pin.py; not edited by hand ----\n"
# torch names its CUDA packages exactly, and only on the platforms that have them.
LEFT_TO_TORCH = ("nvidia-", "cuda-", "triton")


def resolve(python: str, chosen: str) -> tuple[tuple[int, ...], dict[str, str]]:
    """The interpreter's version and what pip would install for it: name to version."""
    with tempfile.TemporaryDirectory() as folder:
        pins = Path(folder, "chosen.txt")
        pins.write_text(chosen)
        subprocess.run([python, "-m", "venv", f"{folder}/venv"], check=True)
        report = Path(folder, "report.json")
        pip = [f"{folder}/venv/bin/python", "-m", "pip", "install", "--quiet", "--constraint", str(pins)]
        subprocess.run([*pip, "--upgrade", "pip"], check=True)
        subprocess.run(
            [*pip, "--dry-run", "--report", str(report), "setuptools", f"{ROOT}[dev,ode,rl,docs]"], check=True
        )
        found = json.loads(report.read_text())
    version = tuple(int(part) for part in found["environment"]["python_version"].split("."))
    names = {
        re.sub("[-_.]+", "-", i["metadata"]["name"]).lower(): i["metadata"]["version"]
        for i in found["install"]
    }
    return version, names


def main(interpreters: list[str]) -> None:
    chosen = CONSTRAINTS.read_text().split(DIVIDER)[0]
    named = {
        re.sub("[-_.]+", "-", name).lower() for name in re.findall(r"^([A-Za-z][\w.-]*)[=<>!~]", chosen, re.M)
    }
    (old_version, old), *newer = sorted(resolve(python, chosen) for python in interpreters)
    bound = ".".join(map(str, newer[0][0] if newer else old_version))
    lines = []
    for name in sorted({n for _, answer in [(old_version, old), *newer] for n in answer}):
        if name in named or name == "pde-nas" or name.startswith(LEFT_TO_TORCH):
            continue
        versions = {answer[name] for _, answer in newer if name in answer}
        if len(versions) > 1:
            sys.exit(
                f"{name}: the newer interpreters disagree ({', '.join(versions)}); pin it in the upper part"
            )
        new = versions.pop() if versions else None
        if new is None or old.get(name) in (None, new):
            lines.append(f"{name}=={new or old[name]}\n")
        else:
            lines.append(f'{name}=={new}; python_version >= "{bound}"\n')
            lines.append(f'{name}=={old[name]}; python_version < "{bound}"\n')
    CONSTRAINTS.write_text(chosen + DIVIDER + "".join(lines))


if __name__ == "__main__":
    main(sys.argv[1:])
