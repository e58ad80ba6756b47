"""Ctrl-C ends a command, whatever its clean-up waits for."""

from __future__ import annotations

import signal
import subprocess
import sys

from service.cli.exits import Exit

STUCK = """
import asyncio, time
from service.cli import running

running.CLEAN_UP_S = 0.5

async def work():
    print("working", flush=True)
    try:
        await asyncio.sleep(60)
    finally:
        time.sleep(60)

running.run(work())
"""


def test_ctrl_c_ends_a_command_whose_clean_up_does_not_end() -> None:
    with subprocess.Popen([sys.executable, "-c", STUCK], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "working\n"
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=30) == Exit.INTERRUPTED
