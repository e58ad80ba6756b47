"""The root command and the one place where a run ends: every error a line, every ending an exit code."""

import contextlib
import os
import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup
from typer.exceptions import TyperException

from domain.errors import RiddlewireError
from service.cli import (
    batch,
    batches,
    doctor,
    evals,
    examples,
    feeds,
    finetune,
    keys,
    pipelines,
    prompts,
    riddle,
    serve,
    spend,
    webhooks,
    work,
)
from service.cli.exits import Exit, exit_of
from service.cli.options import Options
from service.cli.terminal import fail

_EPILOG = "Exit codes: " + ", ".join(f"{code.value} {code.name.lower().replace('_', ' ')}" for code in Exit) + "."


class _Root(TyperGroup):
    """Turns the errors of all commands into one line and an exit code, before typer turns them into something else."""

    def invoke(self, ctx: Any) -> Any:
        try:
            result = super().invoke(ctx)
            sys.stdout.flush()
        except BrokenPipeError:
            raise typer.Exit(_stop_writing()) from None
        except RiddlewireError as error:
            if _wants_traceback(ctx):
                raise
            fail(str(error))
            raise typer.Exit(exit_of(error)) from None
        except (typer.Exit, typer.Abort, TyperException):
            raise
        except Exception as error:  # the outermost boundary: a person is told in one line, whatever it is
            if _wants_traceback(ctx):
                raise
            fail(f"{type(error).__name__}: {error} (riddlewire --debug shows where)")
            raise typer.Exit(Exit.FAILED) from None
        return result


app = typer.Typer(
    name="riddlewire",
    cls=_Root,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog=_EPILOG,
)
app.command("serve")(serve.serve)
app.command("riddle")(riddle.riddle)
app.command("batch")(batch.batch)
app.add_typer(batches.app, name="batches")
app.command("work")(work.work)
app.add_typer(examples.app, name="examples")
app.add_typer(feeds.app, name="feeds")
app.add_typer(prompts.app, name="prompts")
app.add_typer(pipelines.app, name="pipelines")
app.add_typer(evals.app, name="eval")
app.add_typer(finetune.app, name="finetune")
app.add_typer(keys.app, name="keys")
app.add_typer(webhooks.app, name="webhooks")
app.command("spend")(spend.spend)
app.command("doctor")(doctor.doctor)


def _print_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        sys.stdout.write(f"riddlewire {version('riddlewire')}\n")
        raise typer.Exit


@app.callback()
def root(
    ctx: typer.Context,
    home: Annotated[
        Path | None,
        typer.Option(help="Data folder, for this run instead of RIDDLEWIRE_HOME or ./.riddlewire."),
    ] = None,
    debug: Annotated[bool, typer.Option("--debug", help="Show logs and, when something fails, the traceback.")] = False,
    version: Annotated[  # noqa: ARG001  # typer hands it to the callback
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and stop.")
    ] = False,
) -> None:
    """Turn news articles into riddles.

    Start with `riddlewire doctor`, then `riddlewire riddle article.txt`.
    """
    ctx.obj = Options(home=home, debug=debug)


def main() -> None:
    """Run the command line and end the process."""
    sys.exit(run(sys.argv[1:]))


def run(arguments: list[str]) -> int:
    """Run one command; what it prints goes to the standard streams.

    Args:
        arguments: Without the program's name.

    Returns:
        The exit code, see `Exit`.
    """
    _never_fail_on_unprintable()
    try:
        return int(app(arguments, prog_name="riddlewire", standalone_mode=False) or 0)
    except TyperException as error:
        return _usage(error)
    except (KeyboardInterrupt, typer.Abort):
        return Exit.INTERRUPTED


def _usage(error: TyperException) -> int:
    message = error.format_message()
    if message:  # without one, the help was shown instead
        command = getattr(getattr(error, "ctx", None), "command_path", "riddlewire")
        fail(f"{message} See: {command} --help")
    return Exit.USAGE


def _wants_traceback(ctx: Any) -> bool:
    return isinstance(ctx.obj, Options) and ctx.obj.debug


def _stop_writing() -> Exit:
    """Keep the interpreter from flushing into the closed pipe once more when it ends."""
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return Exit.BROKEN_PIPE


def _never_fail_on_unprintable() -> None:
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="backslashreplace")


if __name__ == "__main__":
    main()
