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
MAX_SECONDS = 5
WARMUP = 3


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


def two_threads(step, seconds, repeats):
    """Steps a second by two threads together."""
    del repeats
    counts = [0, 0]

    def count(i):
        start = time.perf_counter()
        while time.perf_counter() - start < seconds:
            step()
            counts[i] += 1

    threads = [threading.Thread(target=count, args=(i,)) for i in range(2)]
    start = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return {"per_s": sum(counts) / (time.perf_counter() - start)}


def peak_mib():
    """The most memory that this process has had at a time."""
    with open("/proc/self/status", encoding="ascii") as status:
        for line in status:
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) / 1024
    raise RuntimeError("no VmHWM in /proc/self/status")


def run_once(build, steps):
    """Time to build a workload and for its first step, and peak memory."""
    start = time.perf_counter()
    step = build()
    step()
    first = (time.perf_counter() - start) * 1e3
    for _ in range(steps - 1):
        step()
    return {"ms": first, "mib": peak_mib()}


def in_child(mode, row, steps, key, unit):
    """The same in another process of this program; adds `start_ms`, the time
    from its start to its answer."""
    command = [
        sys.executable,
        sys.argv[0],
        "--once",
        row,
        "--steps",
        str(steps),
    ] + (["--mode", mode] if mode else [])
    start = time.perf_counter()
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
        line = child.stdout.readline()
        start_ms = (time.perf_counter() - start) * 1e3
    result = {**json.loads(line), "start_ms": start_ms}
    if "error" in result:
        raise RuntimeError(result["error"])
    return {unit: result[key]}


# What runs in processes of its own: name -> (row, steps, key, unit).
PROCESS_ROWS = {
    "startup": ("mlp_small_train", 1, "start_ms", "ms"),
    "first_call": ("mlp_small_train", 1, "ms", "ms"),
    "memory_resnet50_train": ("resnet50_train", 3, "mib", "mib"),
    "memory_lstm_grad": ("lstm_grad", 3, "mib", "mib"),
}


def prepare(name, mode, rows):
    """Builds a row: what measures it once."""
    if name in PROCESS_ROWS:
        return lambda seconds, repeats: in_child(mode, *PROCESS_ROWS[name])
    measure = median
    if name == "mlp_small_two_threads":
        name, measure = "mlp_small_infer", two_threads
    step = rows[name](mode)
    for _ in range(WARMUP):
        step()
    return lambda seconds, repeats: measure(step, seconds, repeats)


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
    parser.add_argument("--once", help="build this row and step")
    parser.add_argument("--steps", type=int, default=1)
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
            lambda: run_once(lambda: rows[args.once](args.mode), args.steps),
        )
        return
    for name in args.row or [*rows, "mlp_small_two_threads", *PROCESS_ROWS]:
        if name not in {*rows, "mlp_small_two_threads", *PROCESS_ROWS}:
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
