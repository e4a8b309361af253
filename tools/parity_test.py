#!/usr/bin/env python3
"""Tests tools/parity."""

import importlib.machinery
import importlib.util
import pathlib
import unittest

PATH = str(pathlib.Path(__file__).with_name("parity"))
loader = importlib.machinery.SourceFileLoader("parity", PATH)
parity = importlib.util.module_from_spec(
    importlib.util.spec_from_loader("parity", loader))
loader.exec_module(parity)


def ours(variables, members=(), kind="struct"):
    result = parity.Ours(kind, pathlib.Path("x.h"), "")
    result.variables = list(variables)
    result.members = list(variables) + list(members)
    return result


def compare(variables, signature, members=(), has=(), name="snt.A"):
    problems = []
    found = {"snt.A": ours(variables, has), "snt.Deferred": ours(variables)}
    sonnet = {"kind": "class", "signature": signature,
              "public_members": list(members)}
    remark = parity.compare(name, sonnet, found, problems)[2]
    return remark, problems


class ParityTest(unittest.TestCase):

    def test_parameters(self):
        self.assertEqual(
            parity.parameters("(self, a: Union[int, str] = 3, *args, "
                              "b=('x', 'y'), **kwargs) -> Tuple[int, int]"),
            ["a", "b"])
        self.assertEqual(parity.parameters("()"), [])

    def test_same(self):
        self.assertEqual(compare(["a", "b", "name", "w"], "(self, a, b=1)"),
                         ("same", []))

    def test_lacking_option(self):
        self.assertEqual(compare(["a", "name"], "(self, a, b)")[1],
                         ["snt.A lacks `b`"])

    def test_an_option_behind_the_name_is_none(self):
        self.assertEqual(compare(["a", "name", "b"], "(self, a, b)")[1],
                         ["snt.A lacks `b`"])

    def test_order(self):
        self.assertEqual(len(compare(["b", "a"], "(self, a, b)")[1]), 1)

    def test_member(self):
        self.assertEqual(compare(["a"], "(self, a)", ["reset"])[1],
                         ["snt.A lacks `reset`"])
        self.assertEqual(compare(["a"], "(self, a)", ["reset"], ["reset"])[1],
                         [])

    def test_known_difference(self):
        remark, problems = compare(["constructor", "name"],
                                   "(self, constructor, call_methods)",
                                   name="snt.Deferred")
        self.assertEqual(problems, [])
        self.assertIn("without call_methods", remark)

    def test_missing(self):
        self.assertEqual(compare([], "()", name="snt.B")[1],
                         ["snt.B is missing"])
        self.assertEqual(compare([], "()", name="snt.distribute.B")[1], [])

    def test_finds_what_there_is(self):
        found = parity.read_headers()
        linear = found["snt.Linear"]
        self.assertEqual(linear.variables[:4],
                         ["output_size", "with_bias", "w_init", "b_init"])
        self.assertIn("input_size", linear.members)
        self.assertNotIn("snt.detail.Slot", found)


if __name__ == "__main__":
    unittest.main()
