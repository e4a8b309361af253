#!/usr/bin/env python3
"""Tests tools/bench and tools/bench_report.py on recorded lines."""

import importlib.machinery
import importlib.util
import os
import pathlib
import sys
import tempfile
import types
import unittest
from xml.etree import ElementTree

FOLDER = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(FOLDER))
import bench_report as report  # noqa: E402

loader = importlib.machinery.SourceFileLoader("bench", str(FOLDER / "bench"))
bench = importlib.util.module_from_spec(
    importlib.util.spec_from_loader("bench", loader))
loader.exec_module(bench)


def line(row, contender, **numbers):
    return {"row": row, "contender": contender, "peer": contender + " 1.0",
            **numbers}


RECORD = [
    line("limit_product", "ours", gflop_per_s=100.0),
    line("limit_product", "ours", gflop_per_s=200.0),
    line("limit_copy", "ours", gb_per_s=10.0),
    line("mlp_train", "ours", ms=4.0, flop=2e8, byte=1e6),
    line("mlp_train", "pytorch", ms=10.0),
    line("mlp_train", "haiku", ms=8.0),
    line("mlp_train", "ours", ms=90.0, flop=2e8, byte=1e6),
    line("mlp_train", "ours", ms=4.5, flop=2e8, byte=1e6),
    line("gru_grad", "haiku", error="ValueError: no <gru>"),
    line("gru_grad", "ours", ms=8.0),
    line("gru_grad", "pytorch", ms=4.0),
    line("mlp_small_two_threads", "ours", per_s=300.0),
    line("mlp_small_two_threads", "pytorch", per_s=150.0),
    line("module_call", "ours", ms=2.0, by_hand_ms=1.9),
    line("module_call", "pytorch", error="no such row"),
]


class ReportTest(unittest.TestCase):

    def setUp(self):
        self.rows, self.machine = report.collect(RECORD)

    def test_parse_passes_other_output_by(self):
        found = report.parse('warning: slow\n{"row": "a", "peer": "b", "ms": 1}'
                             '\n[1]\n{"peer": "b"}\n3\n')
        self.assertEqual(found, [{"row": "a", "peer": "b", "ms": 1}])

    def test_machine(self):
        self.assertEqual(self.machine, {"gflop_per_s": 200.0, "gb_per_s": 10.0})
        self.assertNotIn("limit_copy", self.rows)

    def test_median_and_best(self):
        row = self.rows["mlp_train"]
        self.assertEqual(row.ours, 4.5)
        self.assertEqual(row.best, ("haiku", 8.0))
        self.assertAlmostEqual(row.ratio, 4.5 / 8)

    def test_more_calls_a_second_are_better(self):
        self.assertAlmostEqual(self.rows["mlp_small_two_threads"].ratio, 0.5)

    def test_limit_is_the_longer_of_arithmetic_and_memory(self):
        row = self.rows["mlp_train"]
        self.assertAlmostEqual(row.limit(self.machine), 1.0)
        row.byte = 1e8
        self.assertAlmostEqual(row.limit(self.machine), 10.0)
        self.assertIsNone(self.rows["gru_grad"].limit(self.machine))
        self.assertIsNone(row.limit({}))

    def test_geometric_mean(self):
        self.assertAlmostEqual(report.geometric_mean([0.5, 2.0, 8.0]), 2.0)
        self.assertIsNone(report.geometric_mean([]))
        mean, count = report.mean_ratio(self.rows)  # Of the main rows.
        self.assertEqual(count, 2)
        self.assertAlmostEqual(mean, (4.5 / 8 * 2) ** 0.5)

    def test_numbers(self):
        self.assertEqual([report.number(n) for n in
                          (None, 1234.5, 12.34, 1.234, 0.012345)],
                         ["-", "1234", "12.3", "1.23", "0.0123"])

    def test_a_row_without_peers_or_ours(self):
        rows, _ = report.collect([line("a", "ours", ms=1), line("b", "x", ms=1)])
        self.assertIsNone(rows["a"].ratio)
        self.assertIsNone(rows["b"].ratio)
        self.assertEqual(report.summary(rows),
                         "No row was measured both here and by a peer.")

    def test_a_row_that_a_peer_does_not_have_is_no_error(self):
        row = self.rows["module_call"]
        self.assertEqual(row.errors, {})
        self.assertEqual(report.cells(row, ["pytorch"], {}),
                         ["module_call", "2.00", "-", "-", "-"])

    def test_text_table(self):
        table = report.text_table([self.rows["mlp_train"],
                                   self.rows["gru_grad"]],
                                  ["pytorch", "haiku"], self.machine)
        self.assertEqual([line.split() for line in table.split("\n")], [
            ["row", "ours", "pytorch", "haiku", "ratio", "limit"],
            ["mlp_train", "4.50", "10.0", "8.00", "0.56", "1.00"],
            ["gru_grad", "8.00", "4.00", "error", "2.00", "-"]])

    def test_markdown_table_marks_the_best(self):
        table = report.markdown_table([self.rows["mlp_train"]],
                                      ["pytorch", "haiku"], self.machine)
        self.assertEqual(
            table.split("\n")[2],
            "| mlp_train | 4.50 | 10.0 | **8.00** | 0.56 | 1.00 |")

    def test_summary(self):
        self.assertEqual(
            report.summary(self.rows),
            "Geometric mean of our time by that of the best peer, over 2 rows: "
            "1.06; at most 0.90 in 1 of them.")

    def test_page(self):
        page = report.page(RECORD, {"machine": "a fast one"})
        for text in ("- machine: a fast one", "200 GFLOP/s", "haiku 1.0",
                     "- gru_grad, haiku: ValueError: no <gru>",
                     "module_call 2.00 ms, by hand 1.90 ms", "## More rows"):
            self.assertIn(text, page)

    def test_chart_is_xml_with_a_bar_per_row(self):
        root = ElementTree.fromstring(report.svg(self.rows.values()))
        bars = [e for e in root if e.tag.endswith("rect") and "x" in e.attrib]
        self.assertEqual(len(bars), 3)

    def test_rows_are_named_once(self):
        names = report.MAIN + report.MORE
        self.assertEqual(len(names), len(set(names)))


PROGRAM = """
import json, sys
row = sys.argv[sys.argv.index("--row") + 1]
print("hello", flush=True)
if row == "gone":
    sys.exit(1)
if row == "bad":
    print(json.dumps({"row": row, "peer": "p", "error": "cannot"}), flush=True)
    sys.exit()
print(json.dumps({"row": row, "peer": "p", "ready": True}), flush=True)
for _ in sys.stdin:
    print(json.dumps({"row": row, "peer": "p", "ms": 1.5}), flush=True)
"""


class BenchTest(unittest.TestCase):

    def measure(self, row, contenders):
        with tempfile.TemporaryFile("w") as log:
            return bench.measure_row(
                row, {name: [sys.executable, "-c", PROGRAM]
                      for name in contenders},
                types.SimpleNamespace(seconds=0.1, repeats=1, rounds=2), log)

    def test_select(self):
        self.assertEqual(bench.select(""), list(bench.PEERS))
        self.assertEqual(bench.select("pytorch torch-nn"),
                         ["pytorch", "pytorch-compiled", "torch-nn"])
        self.assertEqual(bench.select("none"), [])
        with self.assertRaises(SystemExit):
            bench.select("pytorche")

    def test_peers_have_their_files(self):
        for program, _, requirements in bench.PEERS.values():
            if requirements is not None:
                self.assertTrue((bench.SOURCES / program).exists(), program)
                name = f"requirements-{requirements}.txt"
                self.assertRegex((bench.SOURCES / name).read_text(), "==")

    def test_ours_and_peers_take_turns(self):
        found = self.measure("a@1", ["ours", "x", "y"])
        self.assertEqual([m["contender"] for m in found],
                         ["ours", "x", "y", "ours"] * 2)
        self.assertEqual({m["row"] for m in found}, {"a@1"})
        self.assertEqual({m["ms"] for m in found}, {1.5})

    def test_who_cannot_run_a_row_is_told(self):
        found = self.measure("bad", ["x"])
        self.assertEqual([m.get("error") for m in found], ["cannot"])
        found = self.measure("gone", ["x"])
        self.assertEqual([m.get("error") for m in found],
                         ["ended without an answer"])

    def test_a_failing_installation_leaves_its_peers_out(self):
        original = bench.environment
        bench.environment = lambda name: (
            None if name == "haiku" else pathlib.Path("python"))
        try:
            found = bench.commands(["pytorch-compiled", "haiku", "torch-nn"],
                                   pathlib.Path("p"))
        finally:
            bench.environment = original
        self.assertEqual(list(found), ["ours", "pytorch-compiled", "torch-nn"])
        self.assertEqual(found["torch-nn"], [os.path.join("p", "torch_nn")])

    def test_facts(self):
        self.assertRegex(bench.facts()["machine"], r"\d+ cores, \d+ GiB")


if __name__ == "__main__":
    unittest.main()
