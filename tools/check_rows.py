#!/usr/bin/env python3
"""Fails when a class of the library has no row in the class table.

    check_rows.py [STAMP]    writes STAMP when all is well

A class is a struct of a public header outside core/ that can be called, or has
`apply`. Its row is a `module<Name>(`, `optimizer<Name>(` or the like in
sonnet/conformance/.
"""

import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
FOLDERS = ("layers", "metrics", "nets", "optimizers", "initializers",
           "regularizers", "recurrent")
NOT_CLASSES = {  # What is made from JSON, but is no class of Sonnet's.
    "schedules",
}


def classes():
    """Name -> header of every class."""
    found = {}
    for folder in FOLDERS:
        for path in sorted((ROOT / "sonnet" / folder).glob("*.h")):
            if path.stem in NOT_CLASSES or path.stem.endswith("_test"):
                continue
            text = path.read_text(encoding="utf-8")
            for match in re.finditer(r"^struct (\w+) \{\n(.*?)^\};", text,
                                     re.S | re.M):
                name, body = match.groups()
                if re.search(r"operator\(\)\(|\bvoid apply\(", body):
                    found[name] = path.relative_to(ROOT)
    return found


def rows():
    """Names of all classes that have a row."""
    text = "".join(path.read_text(encoding="utf-8") for path in
                   sorted((ROOT / "sonnet/conformance").glob("*.cc")))
    return set(re.findall(r"<(?:\w+::)*(\w+)>\(", text))


def main():
    known = rows()
    missing = {n: p for n, p in classes().items() if n not in known}
    for name, path in missing.items():
        print(f"{path}: {name} has no row in sonnet/conformance/")
    if missing:
        sys.exit(1)
    if len(sys.argv) > 1:
        pathlib.Path(sys.argv[1]).touch()


if __name__ == "__main__":
    main()
