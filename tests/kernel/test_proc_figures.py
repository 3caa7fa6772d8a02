from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from hubbub.observe.kernel.figures import Machine
from hubbub.observe.kernel.proc import MOST_THREADS, MachineFigures, ProcessFigures
from serving import until

HOG = "import os\nos.sched_setaffinity(0, {int(%d)})\nwhile True: pass\n"


@pytest.fixture
def hog() -> Iterator[subprocess.Popen[bytes]]:
    """A process that computes without end, on one processor."""
    processor = min(os.sched_getaffinity(0))
    with subprocess.Popen([sys.executable, "-c", HOG % processor]) as process:
        yield process
        process.kill()


def test_a_process_that_computes_runs(hog: subprocess.Popen[bytes]) -> None:
    figures = ProcessFigures(hog.pid)
    until(lambda: figures.run_queue().ran > 1000)
    figures.close()


def test_two_on_one_processor_wait_for_each_other(hog: subprocess.Popen[bytes]) -> None:
    processor = min(os.sched_getaffinity(0))
    with subprocess.Popen([sys.executable, "-c", HOG % processor]) as other:
        figures = ProcessFigures(hog.pid)
        until(lambda: figures.run_queue().delayed > 1000)
        figures.close()
        other.kill()


def test_its_sockets_are_its_own() -> None:
    figures = ProcessFigures(os.getpid())
    with socket.socket() as one:
        assert os.fstat(one.fileno()).st_ino in (figures.sockets() or ())
        inode = os.fstat(one.fileno()).st_ino
    assert inode not in (figures.sockets() or ())
    figures.close()


def test_a_process_that_has_ended_is_seen_so(hog: subprocess.Popen[bytes]) -> None:
    figures = ProcessFigures(hog.pid)
    assert figures.alive
    hog.kill()
    hog.wait()
    assert not figures.alive
    assert figures.run_queue().ran == 0
    assert not figures.sockets()
    figures.close()


def test_no_process_no_figures(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        ProcessFigures(1, tmp_path)


# -- a /proc of our own


def thread(proc: Path, number: int, text: str) -> None:
    directory = proc / "9" / "task" / str(number)
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "schedstat").write_text(text)


def test_threads_are_added_up_also_those_that_come_and_go(tmp_path: Path) -> None:
    thread(tmp_path, 1, "5000000 1000000 3\n")
    thread(tmp_path, 2, "7000000 0 3\n")
    figures = ProcessFigures(9, tmp_path)
    thread(tmp_path, 1, "6000000 1500000 4\n")
    (tmp_path / "9/task/2/schedstat").unlink()
    thread(tmp_path, 3, "200000 30000 1\n")  # began meanwhile: all of it counts
    queue = figures.run_queue()
    assert (queue.ran, queue.delayed, queue.waits) == (1200, 530, None)
    assert (figures.run_queue().ran, figures.run_queue().delayed) == (0, 0)
    figures.close()


@pytest.mark.parametrize("text", ["", "1", "a b c", "-5 -6 -7", "\0\0"])
def test_an_odd_schedstat_counts_nothing(tmp_path: Path, text: str) -> None:
    thread(tmp_path, 1, "5000000 1000000 3\n")
    figures = ProcessFigures(9, tmp_path)
    thread(tmp_path, 1, text)
    assert (figures.run_queue().ran, figures.run_queue().delayed) == (0, 0)
    figures.close()


def test_very_many_threads_are_not_all_read(tmp_path: Path) -> None:
    for number in range(MOST_THREADS + 5):
        thread(tmp_path, number, "0 0 0")
    figures = ProcessFigures(9, tmp_path)
    for number in range(MOST_THREADS + 5):
        thread(tmp_path, number, "1000 0 0")
    assert figures.run_queue().ran == MOST_THREADS
    figures.close()


def test_shares_of_the_machine(tmp_path: Path) -> None:
    (tmp_path / "pressure").mkdir()
    (tmp_path / "stat").write_text("cpu 100 0 0 900 0 0 0 0 0 0\ncpu0 1 2 3\n")
    (tmp_path / "meminfo").write_text("MemTotal: 1000 kB\nMemFree: 1 kB\nMemAvailable: 300 kB\n")
    (tmp_path / "pressure" / "io").write_text("some avg10=12.50 avg60=1.00 total=5\nfull avg10=3.00\n")
    figures = MachineFigures(tmp_path)
    (tmp_path / "stat").write_text("cpu 150 0 20 910 10 0 0 10 50 0\ncpu0 1 2 3\n")
    machine = figures.read()
    assert (machine.busy, machine.stolen) == (0.8, 0.1)
    assert (machine.memory_total, machine.memory_free) == (1_024_000, 307_200)
    assert machine.pressure == {"io": 0.125}
    figures.close()


def test_a_machine_that_tells_nothing(tmp_path: Path) -> None:
    figures = MachineFigures(tmp_path)
    machine = figures.read()
    assert machine == Machine(cores=os.cpu_count() or 1)
    figures.close()


@pytest.mark.parametrize(
    "text",
    [
        *("", "cpu", "cpu a b c d e f g h", "intr 5", "cpu 1 2 3", "\xff\xfe"),
        "cpu 3000 0 0 100 0 0 0 0",  # idle goes back, as it may where a processor is taken away
        "cpu 0 0 0 900 0 0 0 200",
    ],
)
def test_an_odd_stat_is_no_share(tmp_path: Path, text: str) -> None:
    (tmp_path / "stat").write_text("cpu 100 0 0 900 0 0 0 0\n")
    figures = MachineFigures(tmp_path)
    (tmp_path / "stat").write_text(text)
    machine = figures.read()
    assert 0 <= machine.busy <= 1
    assert 0 <= machine.stolen <= 1
    figures.close()


def test_this_machine() -> None:
    figures = MachineFigures()
    until(lambda: figures.read().busy > 0)
    machine = figures.read()
    assert 0 < machine.memory_free <= machine.memory_total
    figures.close()
