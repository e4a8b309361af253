"""How every peer is timed, as benchmarks/support does it for C++.

A row is a name and a function that builds the workload and returns its step.
Prints one JSON line for each row:

    {"row": "mlp_infer", "peer": "haiku 0.0.17 jax 0.10.2", "ms": 1.5}
    {"row": "mlp_infer", "peer": "...", "error": "..."}
"""

import argparse
import json
import statistics
import subprocess
import sys
import threading
import time

MAX_REPEATS = 2000
MAX_SECONDS = 3


def median(step, seconds, repeats):
    """The median time of `step()`, which returns when its work is done."""
    times = []
    while (len(times) < repeats and sum(times) < MAX_SECONDS) or (
        sum(times) < seconds and len(times) < MAX_REPEATS
    ):
        start = time.perf_counter()
        step()
        times.append(time.perf_counter() - start)
    return {"ms": statistics.median(times) * 1e3}


def warm_up(step):
    """Two steps, and a third if the second took less than a second."""
    step()
    start = time.perf_counter()
    step()
    if time.perf_counter() - start < 1:
        step()


def calls_of_threads(number, step, seconds):
    """Steps a second by so many threads together."""
    counts = [0] * number

    def count(i):
        start = time.perf_counter()
        while time.perf_counter() - start < seconds:
            step()
            counts[i] += 1

    threads = [threading.Thread(target=count, args=(i,)) for i in range(number)]
    start = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return {"per_s": sum(counts) / (time.perf_counter() - start)}


def run_once(build):
    """Time to build a workload and for its first step."""
    start = time.perf_counter()
    build()()
    return {"ms": (time.perf_counter() - start) * 1e3}


def startup(mode):
    """Time from the start of another process of this program to the end of its
    first training step, and the part of it that builds the model and makes the
    step."""
    command = [sys.executable, sys.argv[0], "--once", "mlp_small_train"]
    start = time.perf_counter()
    with subprocess.Popen(
        command + (["--mode", mode] if mode else []),
        stdout=subprocess.PIPE,
        text=True,
    ) as child:
        line = child.stdout.readline()
        ms = (time.perf_counter() - start) * 1e3
    result = json.loads(line)
    if "error" in result:
        raise RuntimeError(result["error"])
    return {"ms": ms, "first_call_ms": result["ms"]}


# Rows that count calls of mlp_small_infer, by their number of threads.
CALLS = {"mlp_small_one_thread": 1, "mlp_small_two_threads": 2}


def prepare(name, mode, rows):
    """Builds a row: what measures it once."""
    if name == "startup":
        return lambda seconds, repeats: startup(mode)
    step = rows["mlp_small_infer" if name in CALLS else name](mode)
    warm_up(step)
    if name in CALLS:
        return lambda seconds, repeats: calls_of_threads(
            CALLS[name], step, seconds
        )
    return lambda seconds, repeats: median(step, seconds, repeats)


def main(peer, rows):
    """`peer(mode)` is who measures; `rows`: name -> function of the mode that
    builds the workload and returns its step."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--row", action="append", help="only these rows")
    parser.add_argument("--mode", help="as the peer's own file says")
    parser.add_argument("--seconds", type=float, default=1.0)
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument(
        "--serve",
        action="store_true",
        help="measure once for every line of input",
    )
    parser.add_argument("--once", help="build this row, make a step")
    args = parser.parse_args()

    def answer(name, make):
        line = {"row": name, "peer": peer(args.mode)}
        try:
            line.update(make())
        except Exception as error:  # What a peer cannot run is a fact.
            first = f"{type(error).__name__}: {error}".split("\n", 1)[0]
            line["error"] = first[:200]
        print(json.dumps(line), flush=True)
        return "error" not in line

    if args.once:
        answer(
            args.once,
            lambda: run_once(lambda: rows[args.once](args.mode)),
        )
        return
    known = [*rows, *CALLS, "startup"]
    for name in args.row or known:
        if name not in known:
            answer(name, lambda: {"error": "no such row"})
            continue
        box = []

        def build(name=name, box=box):
            box.append(prepare(name, args.mode, rows))
            return (
                {"ready": True}
                if args.serve
                else box[0](args.seconds, args.repeats)
            )

        good = answer(name, build)
        if args.serve and good:
            for _ in sys.stdin:
                answer(name, lambda box=box: box[0](args.seconds, args.repeats))
