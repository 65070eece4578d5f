"""Have bytecode written, whatever the surroundings say: a plugin, loaded before all that is large.

Many containers keep Python from writing any, and would have each worker compile and rewrite
everything anew, the plugins of pytest included. What a test starts writes none: it may be hurt on
purpose, amid any file.
"""

import os
import py_compile
import sys
from contextlib import suppress
from pathlib import Path

sys.dont_write_bytecode = False
os.environ["PYTHONDONTWRITEBYTECODE"] = "1"
if "PYTEST_XDIST_WORKER" not in os.environ:
    for module in list(sys.modules.values()):
        if (path := getattr(module, "__cached__", None)) and not Path(path).exists():
            with suppress(OSError, TypeError, py_compile.PyCompileError):
                py_compile.compile(str(module.__file__), path)
