"""The tables, the page docs/benchmarks.md and its chart, from what
tools/bench_report.py has made of the measurements."""

import html

from bench_report import (ALSO, BY_HAND, MAIN, MEMORY, MORE, ONCE, OURS,
                          collect, contenders_of, count_runs, headings,
                          mean_ratio, result, run_means)

# What the page shows beyond the peers' rows: title, rows, a word on them.
SECTIONS = [
    ("A module and the same ATen calls by hand",
     ["module_call", "module_call_small"],
     "An MLP of three layers; its call, and its operations one by one."),
    ("Start", ["startup", "first_call"],
     "`startup`: from the start of a process to the end of its first training "
     "step of `mlp_small_train`; `first_call`: the part of it that builds the "
     "model and makes that step, so the rest is loading of libraries. "
     "Compilers of peers find what they have compiled before on disk, where "
     "they keep it."),
    ("Memory", [f"memory_{name}" for name in MEMORY],
     "MiB: the most that a process of the row above has had at a time "
     "(`VmHWM`), from its start until it was measured."),
    ("Updates by the number of parameters",
     [f"adam_1e{e}" for e in range(3, 9)],
     "Adam on ten tensors with so many numbers in all; PyTorch's is its fused "
     "one."),
    ("Other updates", ["sgd_apply", "momentum_apply", "rmsprop_apply"],
     "On the shapes of ResNet50, as `adam_apply`."),
    ("One thread on one core",
     [name for name in MORE if "@" in name],
     "The same rows as above; all cores are in the table above."),
    ("Threads that call one model",
     ["mlp_small_one_thread", "mlp_small_two_threads"],
     "Calls of `mlp_small_infer` a second: more is better. Each thread has "
     "one core."),
    ("Other rows", ["char_lm_cores_train", "instance_norm_grad"],
     "`char_lm_cores_train` is `char_lm_train` made of Sonnet's cores."),
]


def number(value):
    """Three digits that count."""
    if value is None:
        return "-"
    if value >= 100:
        return f"{value:.0f}"
    if value >= 10:
        return f"{value:.1f}"
    return f"{value:.2f}" if value >= 1 else f"{value:.3g}"


def ratio_text(row, who):
    """The median of the runs' ratios, with the lowest and the highest."""
    ratios = row.ratios(who)
    if not ratios:
        return "-"
    text = f"{row.ratio_of(who):.2f}"
    if len(ratios) > 1:
        text += f" ({min(ratios):.2f}..{max(ratios):.2f})"
    return text


def cells(row, contenders, machine, bold=False):
    """The cells of a row: name, ours, the others, ratios, limit."""
    best = row.best[0] if row.best else None
    out = [row.name]
    for contender in [OURS, *contenders]:
        if contender in row.values:
            text = number(row.values[contender])
            out.append(f"**{text}**" if bold and contender == best else text)
        else:
            out.append("error" if contender in row.errors else "-")
    out += [ratio_text(row, who) for who in (OURS, ALSO)
            if who == OURS or who in contenders]
    return out + [number(row.limit(machine))]


def table(rows, contenders, machine, names=None, bold=False):
    """Lines of cells; the first is the head. `names`: {contender: heading}."""
    names = names or {}
    head = ["row"] + [names.get(c, c) for c in (OURS, *contenders)]
    head += ["ratio"]
    if ALSO in contenders:
        head.append("ratio of " + names.get(ALSO, ALSO))
    return [head + ["limit"]] + [cells(row, contenders, machine, bold)
                                 for row in rows]


def text_table(rows, contenders, machine, names=None):
    """The table for a terminal; columns are as wide for one row as for all."""
    lines = table(rows, contenders, machine, names)
    widths = [max(len(line[i]) for line in lines) for i in range(len(lines[0]))]
    widths = [max(len(n) for n in MAIN + MORE + ONCE)] + [max(w, 7)
                                                          for w in widths[1:]]
    return "\n".join(
        "  ".join(cell.ljust(w) if i == 0 else cell.rjust(w)
                  for i, (cell, w) in enumerate(zip(line, widths)))
        for line in lines)


def markdown_table(rows, contenders, machine, names=None):
    """The table for the page; the best peer in bold. Columns without anything
    are left out."""
    contenders = [c for c in contenders
                  if any(c in r.values or c in r.errors for r in rows)]
    lines = table(rows, contenders, machine, names, bold=True)
    if all(line[-1] == "-" for line in lines[1:]):
        lines = [line[:-1] for line in lines]
    out = ["| " + " | ".join(line) + " |" for line in lines]
    out.insert(1, "|---|" + "---:|" * (len(lines[0]) - 1))
    return "\n".join(out)


def summary(rows, who=OURS, name="our time"):
    """One line on all ratios."""
    mean, count, good = mean_ratio(rows, who)
    if mean is None:
        return "No row was measured both here and by a peer."
    runs = run_means(rows, who)
    spread = (f" (single runs: {', '.join(f'{m:.2f}' for m in runs)})"
              if len(runs) > 1 else "")
    return (f"Geometric mean of {name} by that of the best peer, over "
            f"{count} rows: {mean:.2f}{spread}; at most 0.90 in {good} of "
            "them.")


def summaries(rows, names):
    """That of ours, and that of the other build of ours if there is one."""
    out = [summary(rows)]
    if any(ALSO in r.values for r in rows.values()):
        out.append(summary(rows, ALSO, f"the time of {names.get(ALSO, ALSO)}"))
    return out


def machine_text(machine):
    """What the machine can, in words."""
    speeds = sorted(machine.get("gb_per_s", {}).items())
    memory = ", ".join(f"{speed:.0f} ({mib} MiB)" for mib, speed in speeds)
    return (f"best matrix product {machine.get('gflop_per_s', 0):.0f} GFLOP/s; "
            f"memory read and written at {memory or 'unknown'} GB/s")


def by_hand_text(row):
    """How much a module costs."""
    over = (row.ours - row.values[BY_HAND]) * 1e3
    return (f"{row.name}: {row.ratio - 1:+.1%}, {over / row.modules:+.2f} "
            "us a module")


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
    contenders, names = contenders_of(measurements), headings(measurements)
    versions = dict.fromkeys(
        m["peer"] for m in measurements
        if result(m) and m["contender"] not in (OURS, ALSO))
    runs = count_runs(measurements)
    out = ["# Benchmarks", "",
           "Made by `make bench`; do not edit. ![our time by that of the best "
           "peer](benchmarks.svg)", "", *summaries(rows, names), ""]
    out += [f"- {name}: {text}" for name, text in facts.items()]
    out += [f"- {machine_text(machine)}; measured in the same run",
            "- peers: " + ", ".join(versions), "",
            "Milliseconds of one step, the median of rounds in which all take "
            "turns" + (f", and of {runs} runs" if runs > 1 else "") +
            "; the best peer in bold. `ratio` is our time by that of the best "
            "peer" + (": the median of the runs, the lowest and the highest"
                      if runs > 1 else "") + ". `limit` is what the floating "
            "point operations of the row's definition, or the bytes that it "
            "must read and write, take at the speeds above, the memory's "
            "being that of as many bytes; convolutions with 3 x 3 kernels can "
            "do with fewer operations. A dash: the peer has no such row. A peer that takes "
            "three times as long as the fastest in the first round sits out "
            "the others. `benchmarks/peers/` holds their sources; versions are "
            "pinned in its `requirements-*.txt`.", "",
            markdown_table([rows[n] for n in MAIN if n in rows], contenders,
                           machine, names), ""]
    sections = [(title, [rows[n] for n in names_ if n in rows], note)
                for title, names_, note in SECTIONS]
    if any(found for _, found, _ in sections):
        out += ["## Beyond the peers' rows", "",
                "With fewer peers, in one run, and in one round where processes "
                "start.", ""]
    for title, found, note in sections:
        if not found:
            continue
        costs = [by_hand_text(r) for r in found
                 if BY_HAND in r.values and r.modules and r.ours]
        out += [f"### {title}", "",
                note + ("".join(f" {cost}." for cost in costs)), "",
                markdown_table(found, contenders, machine, names), ""]
    errors = [f"- {r.name}, {c}: {e}" for r in rows.values()
              for c, e in r.errors.items()]
    if errors:
        out += ["## What did not run", "", *errors, ""]
    return "\n".join(out)
