"""Fuzz one reader: `python -m tests.fuzz config -runs=1000000`, and any other option of libFuzzer.

Needs atheris, which is no dependency of ours: `pip install atheris`, on Python 3.12 or 3.13.
"""

import sys
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory


def main() -> None:
    try:
        atheris = import_module("atheris")
    except ImportError:
        sys.exit("Fuzzing needs atheris: pip install atheris, on Python 3.12 or 3.13")
    with atheris.instrument_imports(include=["reconcile", "tomli", "tests.fuzz"]):
        targets = import_module("tests.fuzz.targets").TARGETS
    name, *options = sys.argv[1:]
    target = targets[name]
    with TemporaryDirectory() as folder:
        for number, good in enumerate(target.good):
            (Path(folder) / str(number)).write_bytes(good)
        atheris.Setup([sys.argv[0], folder, "-max_len=2048", *options], target.read)
        atheris.Fuzz()


if __name__ == "__main__":
    main()
