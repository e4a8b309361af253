"""What tools/bench makes of its measurements: medians, ratios, limits.
tools/bench_page.py writes them down.

A measurement is a dictionary as the programs print it, one JSON line each:

    {"row": "mlp_infer", "contender": "haiku", "peer": "haiku 0.0.17 ...",
     "run": 0, "ms": 1.5}

or with "error" in place of the number. tools/bench adds `contender`, the name
that PEERS= takes, and `run` (0 if it is missing); "ours" is this library.
"""

import json
import math
import statistics

OURS = "ours"
ALSO = "ours-also"  # This library built on another libtorch,
ALSO_NN = "torch-nn-also"  # and torch::nn of that one, a peer.
BY_HAND = "by hand"
UNITS = ("ms", "mib", "per_s")  # Of results; more is better for the last.

# The rows that all peers have; the geometric mean is over these.
MAIN = """mlp_small_infer mlp_small_train mlp_infer mlp_train cifar_train
    resnet50_infer resnet50_train lstm_infer lstm_grad lstm_core_grad gru_grad
    vanilla_rnn_grad conv2d_lstm_grad char_lm_train vq_ema_train embed_train
    adam_apply layer_norm_grad batch_norm_grad group_norm_grad conv2d_grad
    conv2d_transpose_grad depthwise_conv2d_grad""".split()

# The others, measured with FEW peers; @1: with one thread on one core.
MORE = """module_call module_call_small adam_1e3 adam_1e4 adam_1e5 adam_1e6
    adam_1e7 adam_1e8 sgd_apply momentum_apply rmsprop_apply mlp_train@1
    resnet50_infer@1 lstm_grad@1 adam_apply@1 mlp_small_one_thread
    mlp_small_two_threads char_lm_cores_train instance_norm_grad""".split()
FEW = ("pytorch", "torch-nn", ALSO_NN)

# Measured once, with all peers: each time another process starts.
ONCE = ["startup"]

# Rows whose measurements also hold the peak of a process's memory.
MEMORY = ("resnet50_train", "lstm_grad")


def parse(text):
    """The measurements among the lines of `text`; whatever else a program
    prints is passed by."""
    found = []
    for line in text.splitlines():
        try:
            value = json.loads(line)
        except ValueError:
            continue
        if isinstance(value, dict) and "row" in value and "peer" in value:
            found.append(value)
    return found


def spread(measurement):
    """A measurement as several with one number each: those of other rows, or of
    other contenders, that it brings along."""
    m = measurement
    found = [m]
    if "first_call_ms" in m:
        found.append({**m, "row": "first_call", "ms": m["first_call_ms"]})
    if "by_hand_ms" in m:
        found.append({**m, "contender": BY_HAND, "ms": m["by_hand_ms"]})
    if "peak_mib" in m and m["row"] in MEMORY:
        found.append({**m, "row": "memory_" + m["row"], "mib": m["peak_mib"]})
    return found


def result(measurement):
    """(unit, number) of a measurement, or None when it failed."""
    for unit in UNITS:
        if unit in measurement:
            return unit, measurement[unit]
    return None


class Row:
    """All measurements of a row, of one run or of several."""

    def __init__(self, name, measurements):
        self.name = name
        self.unit = "ms"
        self.errors, self.flop, self.byte, self.modules = {}, 0, 0, 0
        found = {}  # {run: {contender: numbers}}
        for m in measurements:
            contender = m["contender"]
            if (pair := result(m)) is not None:
                self.unit = pair[0]
                found.setdefault(m.get("run", 0), {}).setdefault(
                    contender, []).append(pair[1])
            elif m.get("error", "no such row") != "no such row":
                self.errors.setdefault(contender, m["error"])
            if contender == OURS:
                self.flop = m.get("flop", self.flop)
                self.byte = m.get("byte", self.byte)
                self.modules = m.get("modules", self.modules)
        # The median of each run, and over the runs.
        self.runs = [{c: statistics.median(v) for c, v in values.items()}
                     for values in found.values()]
        self.values = {
            c: statistics.median([r[c] for r in self.runs if c in r])
            for values in self.runs for c in values}

    @property
    def ours(self):
        return self.values.get(OURS)

    def best_of(self, values):
        """(contender, number) of the best peer among `values`, or None."""
        peers = [(v, c) for c, v in values.items() if c not in (OURS, ALSO)]
        if not peers:
            return None
        number, contender = (max if self.unit == "per_s" else min)(peers)
        return contender, number

    @property
    def best(self):
        return self.best_of(self.values)

    def ratios(self, who=OURS):
        """For each run, our time by that of the best peer; below 1 is better
        than it."""
        found = []
        for values in self.runs:
            best = self.best_of(values)
            if who in values and best is not None:
                ratio = values[who] / best[1]
                found.append(1 / ratio if self.unit == "per_s" else ratio)
        return found

    def ratio_of(self, who):
        """The median of the runs' ratios, or None."""
        ratios = self.ratios(who)
        return statistics.median(ratios) if ratios else None

    @property
    def ratio(self):
        return self.ratio_of(OURS)

    def limit(self, machine):
        """What the arithmetic and the memory of the row alone take, in ms."""
        times = []
        if self.flop and machine.get("gflop_per_s"):
            times.append(self.flop / machine["gflop_per_s"] * 1e-6)
        if self.byte and (speed := memory_speed(machine, self.byte)):
            times.append(self.byte / speed * 1e-6)
        if not times or "@" in self.name:
            return None
        return max(times)


def memory_speed(machine, byte):
    """The best GB/s at which so many bytes are read and written: that of arrays
    at least half as large, since none need be read and written more than once.
    Of smaller ones than were measured: that of the smallest."""
    speeds = machine.get("gb_per_s", {})
    if not speeds:
        return None
    floor = max([mib for mib in speeds if mib * 2**20 <= byte / 2],
                default=min(speeds))
    return max(speed for mib, speed in speeds.items() if mib >= floor)


def collect(measurements):
    """({name: Row} in the order of the measurements, what the machine can:
    {"gflop_per_s": ..., "gb_per_s": {MiB: ...}}, the best of all)."""
    by_row, machine = {}, {}
    for m in measurements:
        if m["row"].startswith("limit_"):
            if "gflop_per_s" in m:
                machine["gflop_per_s"] = max(machine.get("gflop_per_s", 0),
                                             m["gflop_per_s"])
            speeds = machine.setdefault("gb_per_s", {})
            for key, speed in m.items():
                if key.startswith("gb_per_s_"):
                    mib = int(key.removeprefix("gb_per_s_"))
                    speeds[mib] = max(speeds.get(mib, 0), speed)
        else:
            for one in spread(m):
                by_row.setdefault(one["row"], []).append(one)
    return {name: Row(name, ms) for name, ms in by_row.items()}, machine


def count_runs(measurements):
    return len({m.get("run", 0) for m in measurements})


def merge(records):
    """The measurements of several records as those of one, each record's runs
    after those before it."""
    found, first = [], 0
    for record in records:
        found += [{**m, "run": first + m.get("run", 0)} for m in record]
        first += 1 + max((m.get("run", 0) for m in record), default=-1)
    return found


def contenders_of(measurements):
    """The peers that were asked, in the order of their first measurement; the
    other build of ours before them."""
    found = dict.fromkeys(one["contender"] for m in measurements
                          for one in spread(m))
    return ([ALSO] if ALSO in found else []) + [
        c for c in found if c not in (OURS, ALSO)]


def headings(measurements):
    """{contender: its heading}: libtorch's versions where there are two."""
    versions = {m["contender"]: ".".join(m["libtorch"].split(".")[:2])
                for m in measurements if "libtorch" in m}
    found = {c: c for c in [OURS, *contenders_of(measurements)]}
    if ALSO in found:
        for contender, name in ((OURS, OURS), (ALSO, OURS),
                                ("torch-nn", "torch-nn"),
                                (ALSO_NN, "torch-nn")):
            if contender in found and contender in versions:
                found[contender] = f"{name} on {versions[contender]}"
    return found


def geometric_mean(numbers):
    """None for none."""
    numbers = list(numbers)
    if not numbers:
        return None
    return math.exp(sum(math.log(n) for n in numbers) / len(numbers))


def mean_ratio(rows, who=OURS):
    """(geometric mean, number, of them at most 0.9) of the ratios of the main
    rows."""
    ratios = [r.ratio_of(who) for r in rows.values()
              if r.name in MAIN and r.ratio_of(who) is not None]
    return (geometric_mean(ratios), len(ratios),
            sum(1 for r in ratios if r <= 0.9))


def run_means(rows, who=OURS):
    """The geometric mean of the main rows in each run."""
    by_run = {}
    for row in rows.values():
        if row.name in MAIN:
            for run, ratio in enumerate(row.ratios(who)):
                by_run.setdefault(run, []).append(ratio)
    return [geometric_mean(ratios) for _, ratios in sorted(by_run.items())]
