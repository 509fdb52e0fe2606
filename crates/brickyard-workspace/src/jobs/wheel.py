"""Calls an entry point of an installed wheel, as a job's wheel task does."""

import contextlib
import importlib
import importlib.metadata
import sys

package, name = sys.argv[1:3]
sys.argv = [name, *sys.argv[3:]]
with contextlib.suppress(importlib.metadata.PackageNotFoundError):
    for point in importlib.metadata.distribution(package).entry_points:
        if point.name == name:
            sys.exit(point.load()())
module = importlib.import_module(package.replace("-", "_"))
entry = getattr(module, name, None)
if not callable(entry):
    sys.exit(f"The package {package} has neither an entry point nor a function {name}")
sys.exit(entry())
