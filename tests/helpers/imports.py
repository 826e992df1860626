"""What an import brings along, in a process of its own."""

import subprocess
import sys


def imported_by(module: str) -> set[str]:
    """Return the packages, and ``torch._dynamo``, that are loaded with a module."""
    code = f"import sys, {module}; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    names = done.stdout.split()
    return {name.partition(".")[0] for name in names} | ({"torch._dynamo"} & set(names))
