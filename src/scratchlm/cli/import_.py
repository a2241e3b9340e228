"""`scratchlm import`: weights under the classic names."""

from __future__ import annotations

from pathlib import Path

import click

from scratchlm.cli.options import out_option

EPILOG = "Example: scratchlm import classic.safetensors --out build/classic"


@click.command("import", epilog=EPILOG)
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--heads", type=int, help="Attention heads, where the file is silent.")
@out_option
def command(file: Path, heads: int | None, out: Path) -> None:
    """Read FILE, a classic model (transformer.wte, transformer.h.0 …), as ours.

    A file that carries a check (tokens and logits) is held against it.
    """
    from scratchlm.base.atomic import read_json
    from scratchlm.model.classic import import_classic

    import_classic(file, out, heads)
    config = read_json(out / "model.json")["config"]
    click.echo(
        f"{config['n_layers']} layers of {config['d_model']}, {config['n_heads']} "
        f"heads, {config['vocab_size']} tokens, written to {out}"
    )
