"""The server of a window, on a leash: it ends with the window, however that ends.

Run as `python -m hubbub.client.desktop.leash serve …`, with a pipe as standard input whose other end the
window holds. The system closes that end with the window's process, killed or not, and the server stops in
order. (A signal at the parent's death, as Linux has it, is no other system's, and comes when the starting
*thread* ends.)
"""

from __future__ import annotations

import os
import runpy
import signal
import sys
import threading


def _end_with_the_pipe(descriptor: int) -> None:
    while os.read(descriptor, 4096):
        pass  # nothing is said on it
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    held = os.dup(0)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    threading.Thread(target=_end_with_the_pipe, args=(held,), name="leash", daemon=True).start()
    sys.argv[0] = "hubbub"
    runpy.run_module("hubbub", run_name="__main__")
