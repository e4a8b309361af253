#!/usr/bin/env python3
"""Tests tools/bench and what it reports, on recorded lines."""

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
import bench_page as pages  # noqa: E402
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
    line("limit_memory", "ours", gb_per_s_1=10.0, gb_per_s_16=20.0),
    line("limit_memory", "ours", gb_per_s_1=40.0, gb_per_s_16=10.0),
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
    line("module_call", "ours", ms=2.0, by_hand_ms=1.6,
         modules=4.0),
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
        self.assertEqual(self.machine, {
            "gflop_per_s": 200.0, "gb_per_s": {1: 40.0, 16: 20.0}})
        self.assertNotIn("limit_memory", self.rows)

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
        self.assertAlmostEqual(row.limit(self.machine), 5.0)
        self.assertIsNone(self.rows["gru_grad"].limit(self.machine))
        self.assertIsNone(row.limit({}))

    def test_memory_speed_is_that_of_half_as_large_arrays_or_larger(self):
        speed = lambda mib: report.memory_speed(self.machine, mib * 2**20)
        self.assertEqual([speed(mib) for mib in (0.1, 2, 31, 32, 999)],
                         [40, 40, 40, 20, 20])
        self.assertIsNone(report.memory_speed({}, 1))

    def test_geometric_mean(self):
        self.assertAlmostEqual(report.geometric_mean([0.5, 2.0, 8.0]), 2.0)
        self.assertIsNone(report.geometric_mean([]))
        mean, count, good = report.mean_ratio(self.rows)  # Of the main rows.
        self.assertEqual((count, good), (2, 1))
        self.assertAlmostEqual(mean, (4.5 / 8 * 2) ** 0.5)

    def test_numbers(self):
        self.assertEqual([pages.number(n) for n in
                          (None, 1234.5, 12.34, 1.234, 0.012345)],
                         ["-", "1234", "12.3", "1.23", "0.0123"])

    def test_a_row_without_peers_or_ours(self):
        rows, _ = report.collect([line("a", "ours", ms=1), line("b", "x", ms=1)])
        self.assertIsNone(rows["a"].ratio)
        self.assertIsNone(rows["b"].ratio)
        self.assertEqual(pages.summary(rows),
                         "No row was measured both here and by a peer.")

    def test_a_row_that_a_peer_does_not_have_is_no_error(self):
        row = self.rows["module_call"]
        self.assertEqual(row.errors, {})
        self.assertEqual(pages.cells(row, ["pytorch"], {}),
                         ["module_call", "2.00", "-", "1.25", "-"])

    def test_text_table(self):
        table = pages.text_table([self.rows["mlp_train"],
                                   self.rows["gru_grad"]],
                                  ["pytorch", "haiku"], self.machine)
        self.assertEqual([line.split() for line in table.split("\n")], [
            ["row", "ours", "pytorch", "haiku", "ratio", "limit"],
            ["mlp_train", "4.50", "10.0", "8.00", "0.56", "1.00"],
            ["gru_grad", "8.00", "4.00", "error", "2.00", "-"]])

    def test_markdown_table_marks_the_best(self):
        table = pages.markdown_table([self.rows["mlp_train"]],
                                      ["pytorch", "haiku"], self.machine)
        self.assertEqual(
            table.split("\n")[2],
            "| mlp_train | 4.50 | 10.0 | **8.00** | 0.56 | 1.00 |")

    def test_summary(self):
        self.assertEqual(
            pages.summary(self.rows),
            "Geometric mean of our time by that of the best peer, over 2 rows: "
            "1.06; at most 0.90 in 1 of them.")

    def test_page(self):
        page = pages.page(RECORD, {"machine": "a fast one"})
        for text in ("- machine: a fast one", "200 GFLOP/s", "haiku 1.0",
                     "- gru_grad, haiku: ValueError: no <gru>",
                     "module_call: +25.0%, +100.00 us a module",
                     "| module_call | 2.00 | **1.60** | 1.25 |",
                     "## Beyond the peers' rows"):
            self.assertIn(text, page)

    def test_chart_is_xml_with_a_bar_per_row(self):
        root = ElementTree.fromstring(pages.svg(self.rows.values()))
        bars = [e for e in root if e.tag.endswith("rect") and "x" in e.attrib]
        self.assertEqual(len(bars), 4)

    def test_rows_are_named_once(self):
        names = report.MAIN + report.MORE + report.ONCE
        self.assertEqual(len(names), len(set(names)))

    def test_every_other_row_is_on_the_page(self):
        shown = {name for _, names, _ in pages.SECTIONS for name in names}
        self.assertLessEqual(set(report.MORE + report.ONCE), shown)

    def test_a_measurement_brings_others_along(self):
        rows, _ = report.collect([
            line("startup", "ours", ms=5.0, first_call_ms=2.0),
            line("lstm_grad", "ours", peak_mib=70.0),
            line("mlp_train", "ours", peak_mib=70.0)])
        self.assertEqual(rows["first_call"].ours, 2.0)
        self.assertEqual(rows["memory_lstm_grad"].ours, 70.0)
        self.assertEqual(rows["memory_lstm_grad"].unit, "mib")
        self.assertIsNone(rows["lstm_grad"].ours)
        self.assertNotIn("memory_mlp_train", rows)


def run(number, ours, also, pytorch, nn):
    """The lines of a run of mlp_train."""
    return [{**line("mlp_train", contender, ms=ms), "run": number}
            for contender, ms in (("ours", ours), ("pytorch", pytorch),
                                  ("torch-nn-also", nn), ("ours-also", also))]


class RunsTest(unittest.TestCase):

    def setUp(self):
        self.lines = [
            {**line("mlp_train", "ours"), "libtorch": "1.13.0"},
            {**line("mlp_train", "ours-also"), "libtorch": "2.15.0"},
            line("mlp_train", "pytorch"),
            {**line("mlp_train", "torch-nn-also"), "libtorch": "2.15.0"},
            *run(0, 5.0, 4.0, 10.0, 50.0), *run(1, 6.0, 8.0, 30.0, 20.0),
            *run(2, 8.0, 9.0, 10.0, 40.0)]
        self.rows, _ = report.collect(self.lines)

    def test_medians_of_runs(self):
        row = self.rows["mlp_train"]
        self.assertEqual(row.values, {"ours": 6.0, "ours-also": 8.0,
                                      "pytorch": 10.0, "torch-nn-also": 40.0})
        self.assertEqual(row.best, ("pytorch", 10.0))

    def test_ratios_are_those_of_each_run(self):
        row = self.rows["mlp_train"]  # torch::nn is best in the second.
        self.assertEqual(row.ratios(), [0.5, 0.3, 0.8])
        self.assertEqual(row.ratio, 0.5)
        self.assertEqual(row.ratios("ours-also"), [0.4, 0.4, 0.9])

    def test_the_other_build_is_no_peer(self):
        rows, _ = report.collect([line("a", "ours", ms=1),
                                  line("a", "ours-also", ms=2)])
        self.assertIsNone(rows["a"].best)

    def test_headings(self):
        names = report.headings(self.lines)
        self.assertEqual(names, {
            "ours": "ours on 1.13", "ours-also": "ours on 2.15",
            "pytorch": "pytorch", "torch-nn-also": "torch-nn on 2.15"})
        self.assertEqual(report.headings(RECORD)["ours"], "ours")

    def test_page_of_several_runs(self):
        page = pages.page(self.lines, {})
        for text in (
                "over 1 rows: 0.50 (single runs: 0.50, 0.30, 0.80); at most",
                "Geometric mean of the time of ours on 2.15 by that",
                "| row | ours on 1.13 | ours on 2.15 | pytorch | "
                "torch-nn on 2.15 | ratio | ratio of ours on 2.15 |",
                "| mlp_train | 6.00 | 8.00 | **10.0** | 40.0 | "
                "0.50 (0.30..0.80) | 0.40 (0.40..0.90) |"):
            self.assertIn(text, page)

    def test_records_are_merged_run_by_run(self):
        lines = report.merge([self.lines, [line("a", "ours", ms=1)]])
        self.assertEqual(report.count_runs(lines), 4)
        self.assertEqual(lines[-1]["run"], 3)


PROGRAM = """
import json, sys
row = sys.argv[sys.argv.index("--row") + 1]
print("hello", flush=True)
slow = sys.argv[1] == "slow"
if row == "gone":
    sys.exit(1)
if row == "bad":
    print(json.dumps({"row": row, "peer": "p", "error": "cannot"}), flush=True)
    sys.exit()
print(json.dumps({"row": row, "peer": "p", "ready": True, "libtorch": "1"}),
      flush=True)
for _ in sys.stdin:
    print(json.dumps({"row": row, "peer": "p", "ms": 9.5 if slow else 1.5}),
          flush=True)
"""


class BenchTest(unittest.TestCase):

    def measure(self, row, contenders):
        with tempfile.TemporaryFile("w") as log:
            return bench.measure_row(
                row, {name: [sys.executable, "-c", PROGRAM, name]
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
        self.assertEqual([m["contender"] for m in found if "ms" in m],
                         ["ours", "x", "y", "ours"] * 2)
        self.assertEqual({m["row"] for m in found}, {"a@1"})
        self.assertEqual({m["ms"] for m in found if "ms" in m}, {1.5})
        for key in ("start_s", "peak_mib"):
            self.assertEqual([m["contender"] for m in found if key in m],
                             ["ours", "x", "y"])
            self.assertGreater(min(m[key] for m in found if key in m), 0)

    def test_who_is_left_behind_sits_out(self):
        found = self.measure("a", ["ours", "slow", "y"])
        self.assertEqual([m["contender"] for m in found if "ms" in m],
                         ["ours", "slow", "y", "ours", "ours", "y", "ours"])

    def test_what_starts_processes_is_measured_once(self):
        found = self.measure("startup", ["ours", "x"])
        self.assertEqual([m["contender"] for m in found if "ms" in m],
                         ["ours", "x", "ours"])

    def test_few_peers_have_the_other_rows(self):
        found = {name: [] for name in ("ours", "ours-also", "pytorch", "haiku",
                                       "torch-nn", "torch-nn-also")}
        self.assertEqual(list(bench.part_of(found, "mlp_train")), list(found))
        self.assertEqual(list(bench.part_of(found, "startup")), list(found))
        self.assertEqual(list(bench.part_of(found, "adam_1e3")),
                         [name for name in found if name != "haiku"])

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
            peers = ["pytorch-compiled", "haiku", "torch-nn"]
            found = bench.commands(peers, pathlib.Path("p"))
            both = bench.commands(peers, pathlib.Path("p"), pathlib.Path("q"))
        finally:
            bench.environment = original
        self.assertEqual(list(found), ["ours", "pytorch-compiled", "torch-nn"])
        self.assertEqual(found["torch-nn"], [os.path.join("p", "torch_nn")])
        self.assertEqual(list(both), ["ours", "ours-also", "pytorch-compiled",
                                      "torch-nn", "torch-nn-also"])
        self.assertEqual(both["torch-nn-also"], [os.path.join("q", "torch_nn")])

    def test_facts(self):
        self.assertRegex(bench.facts()["machine"], r"\d+ cores, \d+ GiB")


if __name__ == "__main__":
    unittest.main()
