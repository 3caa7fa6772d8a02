"""`python bench/profile.py`: a flame graph of the server while it fans out, by py-spy."""

from __future__ import annotations

import argparse
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

sys.path.pop(0)  # this folder: under the name `profile` the standard library has a module of its own
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench.drive import OUT, DriverFailedError, compile_driver, drive, missing_compiler
from bench.machine import pick_cores, raise_file_limit
from bench.scenarios import SCENARIOS
from bench.servers import HUBBUB, ServerFailedError, find_program, running


def _record(py_spy: str, pid: int, seconds: float, svg: Path) -> subprocess.Popen[bytes]:
    """Start py-spy on the process. `--native` shows the time inside uvloop and msgspec too."""
    options = ["--pid", str(pid), "--rate", "250", "--native", "--format", "flamegraph"]
    command = [py_spy, "record", *options, "--duration", str(round(seconds)), "--output", str(svg)]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)


def main(arguments: list[str]) -> int:
    """Write bench/out/fanout.svg; 1, with the reason on standard error, where that did not work."""
    parser = argparse.ArgumentParser(prog="bench/profile.py", description="Flame graph of the fan-out.")
    parser.add_argument("--seconds", type=int, default=5, help="how long to look (5)")
    names = [scenario.name for scenario in SCENARIOS]
    parser.add_argument("--scenario", choices=names, default="B", help="under which load (B)")
    asked = parser.parse_args(arguments)
    py_spy = find_program("py-spy")
    if tool := missing_compiler() or (None if py_spy else "py-spy"):
        print(f"{tool} is missing", file=sys.stderr)
        return 1
    assert py_spy is not None
    raise_file_limit()
    scenario = next(scenario for scenario in SCENARIOS if scenario.name == asked.scenario)
    load = replace(scenario.load, seconds=float(asked.seconds))
    svg = OUT / "fanout.svg"
    driver = compile_driver()
    svg.unlink(missing_ok=True)
    cores = pick_cores()
    started: list[subprocess.Popen[bytes]] = []
    try:
        with running(HUBBUB, cores.server) as server:

            def on_mark(name: str) -> None:
                if name == "start":
                    started.append(_record(py_spy, server.pid, load.seconds, svg))
                elif name == "stop":
                    started[0].wait(timeout=60)

            result = drive(driver, load, server.target, cores.driver, on_mark)
    except (DriverFailedError, ServerFailedError) as error:
        print(error, file=sys.stderr)
        return 1
    complaint = started[0].communicate()[1].decode().strip()
    if not svg.exists():
        print(f"py-spy wrote nothing; where ptrace is refused it wants root:\n{complaint}", file=sys.stderr)
        return 1
    print(f"{svg}: {result.per_second:,.0f} deliveries/s while it was looked at")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
