"""The LangServe peer's own virtual environment, made the first time it is needed."""

from __future__ import annotations

import subprocess
import sys
import venv
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parent
REQUIREMENTS = HERE / "peers" / "requirements.txt"
LOCK = ROOT / "requirements" / "lock.txt"
PEERS = HERE / ".venv"


class PeerEnvironmentError(Exception):
    """The environment could not be made; the LangServe peer is left out."""


def peers_python() -> Path:
    """The interpreter that LangServe runs on; makes its environment when it is missing or stale (a minute or two).

    Raises:
        PeerEnvironmentError: pip could not install it, for example without a network.
    """
    python, stamp = PEERS / "bin" / "python", PEERS / ".ready"
    wanted = REQUIREMENTS.read_text() + LOCK.read_text()
    if stamp.is_file() and stamp.read_text() == wanted:
        return python
    print(f"Setting up {PEERS.relative_to(ROOT)} for LangServe: a minute or two, once.", file=sys.stderr)
    if not python.is_file():
        venv.create(PEERS, with_pip=True, symlinks=True)
    command: list[str | Path] = [python, "-m", "pip", "install", "--quiet", "-c", LOCK, "-r", REQUIREMENTS]
    done = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        last = done.stderr.strip().splitlines()[-1:]
        raise PeerEnvironmentError(f"pip could not install {REQUIREMENTS.relative_to(ROOT)}: {' '.join(last)}")
    stamp.write_text(wanted)
    return python


if __name__ == "__main__":
    print(peers_python())
