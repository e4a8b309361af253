#!/usr/bin/env python3
"""Writes the code in comments and documents as a program that runs it.

    extract_examples.py OUT_DIR      writes a .cc per group, and main.cc
    extract_examples.py --groups     lists the groups

A group is a folder of headers (`core`) or a page (`docs_readme`, `docs_<page>`).

In a header's comments, lines indented by four more spaces are an example: the
body of a function of its own. On a page, ```cpp fences are, one after the
other, the body of one function; ```cpp top fences stand before it, in a
namespace; ```cpp global fences stand there outside of it. Other fences are not
read. `#include` lines move to the top.
"""

import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
TEST_ONLY = {"testing", "goldens", "conformance", "kernels", "compile_fail",
             "compile_pass"}
STD_HEADERS = """algorithm array chrono cmath cstdint filesystem fstream
functional iostream limits map memory numeric optional random sstream stdexcept
string string_view thread tuple utility variant vector""".split()


def groups():
    """The files of each group."""
    found = {}
    for path in sorted(ROOT.glob("sonnet/**/*.h")):
        parts = path.relative_to(ROOT / "sonnet").parts
        if not TEST_ONLY & set(parts) and not path.stem.endswith("_test"):
            found.setdefault(parts[0] if len(parts) > 1 else "umbrella",
                             []).append(path)
    for path in [ROOT / "README.md"] + sorted(ROOT.glob("docs/*.md")):
        if path.exists():
            found["docs_" + identifier(path.stem.lower())] = [path]
    return found


def identifier(text):
    return re.sub(r"\W", "_", text)


def header_examples(text):
    """(line from 1, lines of code) of each example in a header's comments."""
    found, gap = [], 0
    for number, line in enumerate(text.split("\n"), 1):
        match = re.match(r"\s*//(?: {5}(.*)|\s*$|.)", line)
        if match and match.group(1) is not None:
            if found and gap is not None and found[-1][1]:
                found[-1][1].extend([""] * gap + [match.group(1)])
            else:
                found.append((number, [match.group(1)]))
            gap = 0
        elif match and re.match(r"\s*//\s*$", line) and gap is not None:
            gap += 1  # An empty line between lines of code belongs to it.
        else:
            gap = None
    return found


def page_examples(text):
    """(line from 1, lines of code, "", "top" or "global") of each fence."""
    found, code = [], None
    for number, line in enumerate(text.split("\n"), 1):
        fence = re.match(r"\s*```\s*(.*?)\s*$", line)
        if fence and code is None:
            code = []
            kind, begin = fence.group(1), number + 1
        elif fence:
            if kind in ("cpp", "cpp top", "cpp global"):
                found.append((begin, code, kind[4:]))
            code = None
        elif code is not None:
            code.append(line)
    return found


class Writer:
    """Collects one generated source."""

    def __init__(self):
        self.includes = ["#include <ATen/ATen.h>", "#include <sonnet/sonnet.h>"]
        self.includes += [f"#include <{header}>" for header in STD_HEADERS]
        self.lines = []

    def code(self, path, number, lines):
        """Adds code as it stands in `path`; its includes go to the top."""
        name = path.relative_to(ROOT)
        self.lines.append(f'#line {number} "{name}"')
        for line in lines:
            include = re.match(r"\s*#include ", line)
            if include and line.strip() not in self.includes:
                self.includes.append(line.strip())
            self.lines.append("" if include else line)

    def text(self):
        return "\n".join(
            ["// Written by tools/extract_examples.py."] + self.includes +
            ["#include \"run_example.h\""] + self.lines) + "\n"


def write_headers(group, paths):
    writer, runs = Writer(), []
    for path in paths:
        examples = header_examples(path.read_text(encoding="utf-8"))
        name = path.relative_to(ROOT)
        if examples:
            writer.includes.append(f'#include "{name}"')
        for n, (number, code) in enumerate(examples, 1):
            function = f"example_{group}_{identifier(path.stem)}_{n}"
            writer.lines.append(f"static void {function}() {{")
            writer.code(path, number, code)
            writer.lines.append("}")
            runs.append(f'run_example("{name}:{number}", {function})')
    return finish(writer, group, runs)


def write_page(group, path):
    writer, body, runs = Writer(), [], []
    # One of its own, so that pages can be compiled together.
    space = f"namespace page_{group} {{"
    for number, code, place in page_examples(path.read_text(encoding="utf-8")):
        if place:
            writer.lines.append(space + " namespace {" if place == "top" else "")
            writer.code(path, number, code)
            writer.lines.append("}}" if place == "top" else "")
        else:
            body.append((number, code))
    if body:
        writer.lines.append(space + " static void example() {")
        for number, code in body:
            writer.code(path, number, code)
        writer.lines.append("}}")
        runs.append(f'run_example("{path.relative_to(ROOT)}", '
                    f"page_{group}::example)")
    return finish(writer, group, runs)


def finish(writer, group, runs):
    """Ends the source with the function that runs its examples."""
    writer.lines.append(f"int failures_{group}() {{")
    writer.lines.append("  int failures = 0;")
    writer.lines += [f"  failures += {run};" for run in runs]
    writer.lines += ["  return failures;", "}"]
    return writer.text()


RUN_EXAMPLE = """// Written by tools/extract_examples.py.
#pragma once
#include <exception>
#include <iostream>

// Runs an example; 1 where it throws.
inline int run_example(const char* place, void (*example)()) {
  try {
    example();
    return 0;
  } catch (const std::exception& error) {
    std::cerr << place << ": the example throws: " << error.what() << "\\n";
    return 1;
  }
}
"""


def write_main(names):
    lines = ["// Written by tools/extract_examples.py.", "#include <iostream>",
             "#include <string_view>"]
    lines += [f"int failures_{name}();" for name in names]
    lines += ["int main(int argc, char** argv) {",
              '  const std::string_view group = argc > 1 ? argv[1] : "";']
    lines += [f'  if (group == "{name}") return failures_{name}() > 0;'
              for name in names]
    lines += ['  std::cerr << "no such group: " << group << "\\n";',
              "  return 2;", "}"]
    return "\n".join(lines) + "\n"


def main(argument):
    found = groups()
    if argument == "--groups":
        print("\n".join(found))
        return
    out = pathlib.Path(argument)
    out.mkdir(parents=True, exist_ok=True)
    texts = {"main.cc": write_main(found), "run_example.h": RUN_EXAMPLE}
    for group, paths in found.items():
        is_page = group.startswith("docs_")
        texts[f"{group}.cc"] = (write_page(group, paths[0]) if is_page else
                                write_headers(group, paths))
    for name, text in texts.items():  # What has not changed stays as it is.
        path = out / name
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1])
