"""`riddlewire finetune export` and `openai-export`: what was made, taken to where it is used."""

from pathlib import Path
from typing import Annotated

import typer

from service.cli.finetune_data import base_models_of
from service.cli.options import AsJson
from service.cli.terminal import note, print_json, say

Run = Annotated[Path, typer.Argument(metavar="RUN", help="Folder that `finetune train` wrote.")]


def export(
    ctx: typer.Context,
    run: Run,
    *,
    gguf: Annotated[Path | None, typer.Option(help="Write a GGUF adapter for the embedded engine.")] = None,
    full: Annotated[bool, typer.Option("--full", help="32-bit floats in the GGUF file, twice the size.")] = False,
    peft: Annotated[Path | None, typer.Option(help="Write the PEFT adapter to this folder.")] = None,
    merge: Annotated[Path | None, typer.Option(help="Write base and adapter as one model to this folder.")] = None,
    push_to_hub: Annotated[
        str | None,
        typer.Option(metavar="OWNER/NAME", help="Upload the merged model if one is written, else the adapter."),
    ] = None,
    public: Annotated[bool, typer.Option("--public", help="A new repository on the hub is visible to all.")] = False,
    base: Annotated[str | None, typer.Option(help="By default the run's own.")] = None,
) -> None:
    """Take an adapter to where it is used.

    A GGUF adapter is named in `RIDDLEWIRE_ENGINE_ADAPTERS` and asked for by a step's `extra: {adapter: NAME}`.

    Examples:
    - `riddlewire finetune export runs/first --gguf first.gguf`
    - `riddlewire finetune export runs/first --merge merged --push-to-hub me/riddles`
    """
    import shutil

    from finetuning.exporting import export_gguf, export_merged
    from finetuning.exporting import push_to_hub as upload
    from finetuning.training import ADAPTER
    from service.cli.finetune_data import base_of

    if not (gguf or peft or merge or push_to_hub):
        raise typer.BadParameter("say what to write: --gguf, --peft, --merge or --push-to-hub.")
    adapter, named = run / ADAPTER, base or base_of(run)
    if gguf:
        export_gguf(adapter, named, gguf, half=not full)
        say(f"{gguf}: {gguf.stat().st_size / 1e6:.1f} MB")
    if peft:
        shutil.copytree(adapter, peft, dirs_exist_ok=True)
        say(f"{peft}")
    if merge:
        export_merged(adapter, named, merge, cache=base_models_of(ctx), say=note)
        say(f"{merge}")
    if push_to_hub:
        say(upload(merge or adapter, push_to_hub, private=not public))


def openai_export(
    data: Annotated[Path, typer.Argument(metavar="DATA", help="Folder that `finetune prepare` wrote.")],
    folder: Annotated[Path, typer.Option("--output", "-o", help="Where train.jsonl and dev.jsonl go.")],
    as_json: AsJson = False,
) -> None:
    """Write a training set in the form that OpenAI's fine-tuning takes, checked before it is uploaded.

    Example: `riddlewire finetune openai-export data -o openai`
    """
    from finetuning.openai_export import write_openai
    from service.cli.finetune_data import read_data

    samples = read_data(data)
    folder.mkdir(parents=True, exist_ok=True)
    written = [
        write_openai(folder / f"{split}.jsonl", [sample for sample in samples if sample.split == split])
        for split in ("train", "dev")
    ]
    if as_json:
        print_json(written)
        return
    for each in written:
        say(f"{each.path}: {each.samples} samples, {each.size / 1e6:.1f} MB, {each.repeated} said twice")
