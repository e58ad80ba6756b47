"""Writes docs/cli.md from the commands themselves: `python -m service.cli.reference > docs/cli.md`. A test compares."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

_PLAIN = {"TERMINAL_WIDTH": "100", "COLUMNS": "100", "NO_COLOR": "1", "_TYPER_FORCE_DISABLE_TERMINAL": "1"}

_INTRODUCTION = """\
# The command line

`riddlewire` makes riddles from the shell and looks after what they are made with. It uses the same parts, settings and
data folder as the HTTP service, and works beside a running one.

- **Results go to standard output**, everything else (notes, progress, errors) to standard error. Where standard output
  is no terminal, tables become lines with tabs between the fields, with nothing cut, and there are no colours;
  `NO_COLOR` switches them off on a terminal too.
- **`--json`** prints one JSON document, with the field names of the HTTP API.
- **Text of articles and models is hostile**: terminal sequences, control characters and bidirectional overrides are
  taken out before anything is printed, and escaped in JSON.
- **An error is one line** on standard error; `riddlewire --debug COMMAND` shows the traceback.
- Settings are environment variables, see [configuration](configuration.md). `riddlewire --home FOLDER COMMAND` uses
  another data folder for one run.

## Exit codes

| code | meaning |
|---|---|
"""

_SCRIPT = """
A script that publishes what passed and keeps what did not:

```sh
riddlewire riddle article.txt --json > riddle.json
case $? in
  0) publish riddle.json ;;
  3) mv riddle.json to-review/ ;;
  4) echo "the model's provider is down, trying again in an hour" ;;
  *) exit 1 ;;
esac
```
"""


def main() -> None:
    """Print the whole document."""
    os.environ.update(_PLAIN)  # before typer is imported: it looks once
    from service.cli.exits import Exit

    sys.stdout.write(_INTRODUCTION)
    sys.stdout.writelines(f"| {code.value} | {code.meaning} |\n" for code in Exit)
    sys.stdout.write(_SCRIPT)
    for path, text in _helps():
        sys.stdout.write(f"\n## {path}\n\n```text\n{text}\n```\n")


def _helps() -> Iterator[tuple[str, str]]:
    import typer

    from service.cli.main import app

    yield from _walk("riddlewire", typer.main.get_command(app), [])


def _walk(path: str, command: Any, arguments: list[str]) -> Iterator[tuple[str, str]]:
    yield path, _help(arguments)
    for name, below in sorted(getattr(command, "commands", {}).items()):
        yield from _walk(f"{path} {name}", below, [*arguments, name])


def _help(arguments: list[str]) -> str:
    from typer.testing import CliRunner

    from service.cli.main import app

    result = CliRunner().invoke(app, [*arguments, "--help"], prog_name="riddlewire")
    lines = (line.rstrip() for line in result.output.strip().splitlines())
    return "\n".join(line.removeprefix(" ") for line in lines)


if __name__ == "__main__":
    main()
