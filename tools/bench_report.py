"""What tools/bench makes of its measurements: ratios, limits, the table, the
page docs/benchmarks.md and its chart.

A measurement is a dictionary as the programs print it, one JSON line each:

    {"row": "mlp_infer", "contender": "haiku", "peer": "haiku 0.0.17 ...",
     "ms": 1.5}

or with "error" in place of the number. tools/bench adds `contender`, the name
that PEERS= takes; "ours" is this library.
"""

import html
import json
import math
import statistics

OURS = "ours"
UNITS = ("ms", "mib", "per_s")  # Of results; more is better for the last.

# The rows that all peers have; the geometric mean is over these.
MAIN = """mlp_small_infer mlp_small_train mlp_infer mlp_train cifar_train
    resnet50_infer resnet50_train lstm_infer lstm_grad lstm_core_grad gru_grad
    vanilla_rnn_grad conv2d_lstm_grad char_lm_train vq_ema_train embed_train
    adam_apply layer_norm_grad batch_norm_grad group_norm_grad conv2d_grad
    conv2d_transpose_grad depthwise_conv2d_grad""".split()

# The others; @1: with one thread on one core.
MORE = """char_lm_cores_train instance_norm_grad sgd_apply momentum_apply
    rmsprop_apply adam_1e3 adam_1e4 adam_1e5 adam_1e6 adam_1e7 adam_1e8
    mlp_train@1 resnet50_infer@1 lstm_grad@1 adam_apply@1 module_call
    module_call_small mlp_small_two_threads startup first_call
    memory_resnet50_train memory_lstm_grad""".split()


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


def result(measurement):
    """(unit, number) of a measurement, or None when it failed."""
    for unit in UNITS:
        if unit in measurement:
            return unit, measurement[unit]
    return None


class Row:
    """All measurements of a row."""

    def __init__(self, name, measurements):
        self.name = name
        self.unit = "ms"
        self.errors, self.flop, self.byte, self.by_hand = {}, 0, 0, None
        values, by_hand = {}, []
        for m in measurements:
            contender = m["contender"]
            if (found := result(m)) is not None:
                self.unit = found[0]
                values.setdefault(contender, []).append(found[1])
            elif m.get("error", "no such row") != "no such row":
                self.errors.setdefault(contender, m["error"])
            if contender == OURS:
                self.flop, self.byte = m.get("flop", 0), m.get("byte", 0)
                if "by_hand_ms" in m:
                    by_hand.append(m["by_hand_ms"])
        self.values = {c: statistics.median(v) for c, v in values.items()}
        if by_hand:
            self.by_hand = statistics.median(by_hand)

    @property
    def ours(self):
        return self.values.get(OURS)

    @property
    def best(self):
        """(contender, number) of the best peer, or None."""
        peers = [(v, c) for c, v in self.values.items() if c != OURS]
        if not peers:
            return None
        number, contender = (max if self.unit == "per_s" else min)(peers)
        return contender, number

    @property
    def ratio(self):
        """Our time by that of the best peer; below 1 is better than it."""
        if self.ours is None or self.best is None:
            return None
        ours, best = self.ours, self.best[1]
        return best / ours if self.unit == "per_s" else ours / best

    def limit(self, machine):
        """What the arithmetic and the memory of the row alone take, in ms."""
        times = []
        if self.flop and machine.get("gflop_per_s"):
            times.append(self.flop / machine["gflop_per_s"] * 1e-6)
        if self.byte and machine.get("gb_per_s"):
            times.append(self.byte / machine["gb_per_s"] * 1e-6)
        if not times or "@" in self.name:
            return None
        return max(times)


def collect(measurements):
    """({name: Row} in the order of the measurements, what the machine can)."""
    by_row, machine = {}, {}
    for m in measurements:
        if m["row"].startswith("limit_"):
            for key in ("gflop_per_s", "gb_per_s"):
                machine[key] = max(machine.get(key, 0), m.get(key, 0))
        else:
            by_row.setdefault(m["row"], []).append(m)
    return {name: Row(name, ms) for name, ms in by_row.items()}, machine


def geometric_mean(numbers):
    """None for none."""
    numbers = list(numbers)
    if not numbers:
        return None
    return math.exp(sum(math.log(n) for n in numbers) / len(numbers))


def mean_ratio(rows):
    """(geometric mean, number) of the ratios of the main rows."""
    ratios = [r.ratio for r in rows.values()
              if r.name in MAIN and r.ratio is not None]
    return geometric_mean(ratios), len(ratios)


def number(value):
    """Three digits that count."""
    if value is None:
        return "-"
    if value >= 100:
        return f"{value:.0f}"
    if value >= 10:
        return f"{value:.1f}"
    return f"{value:.2f}" if value >= 1 else f"{value:.3g}"


def cells(row, contenders, machine, bold=False):
    """The cells of a row: name, ours, the peers, ratio, limit."""
    best = row.best[0] if row.best else None
    out = [row.name]
    for contender in [OURS, *contenders]:
        if contender in row.values:
            text = number(row.values[contender])
            out.append(f"**{text}**" if bold and contender == best else text)
        else:
            out.append("error" if contender in row.errors else "-")
    ratio = "-" if row.ratio is None else f"{row.ratio:.2f}"
    return out + [ratio, number(row.limit(machine))]


def contenders_of(measurements):
    """The peers that were asked, in the order of their first measurement."""
    return [c for c in dict.fromkeys(m["contender"] for m in measurements)
            if c != OURS]


def text_table(rows, contenders, machine):
    """The table for a terminal; columns are as wide for one row as for all."""
    lines = [["row", OURS, *contenders, "ratio", "limit"]]
    lines += [cells(row, contenders, machine) for row in rows]
    widths = [max(len(line[i]) for line in lines) for i in range(len(lines[0]))]
    widths = [max(len(n) for n in MAIN + MORE)] + [max(w, 7)
                                                   for w in widths[1:]]
    return "\n".join(
        "  ".join(cell.ljust(w) if i == 0 else cell.rjust(w)
                  for i, (cell, w) in enumerate(zip(line, widths)))
        for line in lines)


def markdown_table(rows, contenders, machine):
    """The table for the page; the best peer in bold."""
    head = ["row", OURS, *contenders, "ratio", "limit"]
    lines = ["| " + " | ".join(head) + " |",
             "|---|" + "---:|" * (len(head) - 1)]
    lines += ["| " + " | ".join(cells(row, contenders, machine, True)) + " |"
              for row in rows]
    return "\n".join(lines)


def summary(rows):
    """One line on all ratios."""
    mean, count = mean_ratio(rows)
    if mean is None:
        return "No row was measured both here and by a peer."
    good = sum(1 for r in rows.values() if r.name in MAIN and
               r.ratio is not None and r.ratio <= 0.9)
    return (f"Geometric mean of our time by that of the best peer, over "
            f"{count} rows: {mean:.2f}; at most 0.90 in {good} of them.")


def svg(rows):
    """A chart: for each row our time by that of the best peer, 1 at the line."""
    rows = [r for r in rows if r.ratio is not None]
    left, width, step, top, most = 190, 480, 22, 46, 2.0
    height = top + step * len(rows) + 16

    def x(ratio):
        return left + width * min(ratio, most) / most
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{left + width + 70}"'
           f' height="{height}" font-family="sans-serif" font-size="12">',
           '<rect width="100%" height="100%" fill="white"/>',
           '<text x="10" y="18" font-size="14">Time, the best peer of each row '
           '= 1 (shorter is faster)</text>']
    for tick in (0, 0.5, 1, 1.5, 2):
        color = "#444" if tick == 1 else "#ddd"
        out.append(f'<line x1="{x(tick):.1f}" x2="{x(tick):.1f}" y1="{top - 6}" '
                   f'y2="{height - 10}" stroke="{color}"/>')
        out.append(f'<text x="{x(tick):.1f}" y="{top - 10}" fill="#444" '
                   f'text-anchor="middle">{tick:g}</text>')
    for i, row in enumerate(rows):
        y = top + step * i
        color = "#2a7ab8" if row.ratio <= 1 else "#c8702a"
        label = html.escape(row.name)
        out.append(f'<text x="{left - 8}" y="{y + 14}" text-anchor="end">'
                   f'{label}</text>')
        out.append(f'<rect x="{left}" y="{y + 3}" height="{step - 8}" '
                   f'width="{x(row.ratio) - left:.1f}" fill="{color}"/>')
        out.append(f'<text x="{x(row.ratio) + 5:.1f}" y="{y + 14}" fill="#222">'
                   f'{row.ratio:.2f}</text>')
    return "\n".join(out + ["</svg>", ""])


def page(measurements, facts):
    """docs/benchmarks.md. `facts`: what to say of machine and date, by name."""
    rows, machine = collect(measurements)
    contenders = contenders_of(measurements)
    versions = dict.fromkeys(
        m["peer"] for m in measurements if m["contender"] != OURS)
    main = [rows[n] for n in MAIN if n in rows]
    more = [r for n, r in rows.items() if n not in MAIN]
    by_hand = [r for r in more if r.by_hand is not None]
    out = ["# Benchmarks", "",
           "Made by `make bench`; do not edit. ![our time by that of the best "
           "peer](benchmarks.svg)", "", summary(rows), ""]
    out += [f"- {name}: {text}" for name, text in facts.items()]
    out += [f"- best matrix product {machine.get('gflop_per_s', 0):.0f} "
            f"GFLOP/s, copy {machine.get('gb_per_s', 0):.0f} GB/s "
            "(read and written), measured in the same run",
            "- peers: " + ", ".join(versions), "",
            "Milliseconds of one step, the median of rounds in which all take "
            "turns; the best peer in bold. `ratio` is our time by that of the "
            "best peer. `limit` is what the floating point operations of the "
            "row, or the bytes that it must read and write, take at the speeds "
            "above. A dash: the peer has no such row. "
            "`benchmarks/peers/` holds their sources; versions are pinned in "
            "its `requirements-*.txt`.", "",
            markdown_table(main, contenders, machine), ""]
    if more:
        out += ["## More rows", "",
                "`@1`: one thread on one core. `memory_*`: MiB, the peak of a "
                "process that makes three steps. `startup`: from the start of "
                "a process to the end of its first training step of "
                "`mlp_small_train`; `first_call`: the part of it that builds "
                "the model and makes the step. `*_two_threads`: calls a second "
                "(more is better). `adam_1e3` ...: ten tensors with so many "
                "numbers in all.", "",
                markdown_table(more, contenders, machine), ""]
    if by_hand:
        out += ["A module call and the same ATen calls by hand: " + "; ".join(
            f"{r.name} {number(r.ours)} ms, by hand {number(r.by_hand)} ms"
            for r in by_hand) + ".", ""]
    errors = [f"- {r.name}, {c}: {e}" for r in rows.values()
              for c, e in r.errors.items()]
    if errors:
        out += ["## What did not run", "", *errors, ""]
    return "\n".join(out)
