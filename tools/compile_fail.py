#!/usr/bin/env python3
"""Checks that a program does not compile, and that the compiler says why.

    compile_fail.py PROGRAM.cc COMPILER FLAGS...

The program starts with `// expect: <sentence>`, on as many comment lines as it
takes. The text of the first error must contain the sentence.
"""

import itertools
import re
import subprocess
import sys


def first_error(output):
    """The text of the compiler's first error, None without one."""
    found = re.search(r"error: (?:static assertion failed: )?(.*)", output)
    return found.group(1) if found else None


def main(program, command):
    with open(program, encoding="utf-8") as file:
        lines = itertools.takewhile(lambda line: line.startswith("//"), file)
        head = " ".join(line.removeprefix("//").strip() for line in lines)
    prefix = "expect: "
    if not head.startswith(prefix):
        return f"{program}:1: the first line must be `// {prefix}<sentence>`"
    run = subprocess.run(command + [program], capture_output=True, text=True,
                         env={"LC_ALL": "C", "PATH": "/usr/bin:/bin"})
    if run.returncode == 0:
        return f"{program} compiles, and must not"
    error = first_error(run.stderr)
    if error is None or head.removeprefix(prefix) not in error:
        return (f"{program}\n  must fail with:  {head.removeprefix(prefix)}\n"
                f"  but fails with:  {error}\n\n{run.stderr[:4000]}")
    return None


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))
