"""`monitor init`: files to start from."""

from __future__ import annotations

from importlib import resources
from pathlib import Path

import click

FILES = ("monitor.yaml", "rules.yaml")


@click.command(epilog="Example: monitor init newsdesk && cd newsdesk && monitor run")
@click.argument("folder", default=".", metavar="[DIR]", type=click.Path(file_okay=False, path_type=Path))
def init(folder: Path) -> None:
    """Write a commented monitor.yaml and rules.yaml into DIR. Files that are there stay as they are."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in FILES:
        click.echo(f"{folder / name}: {_write(folder / name)}")
    click.echo("\nNext: edit them, try the rules on saved articles with 'monitor replay FOLDER', then start 'monitor run'.")


def _write(path: Path) -> str:
    text = (resources.files("monitor") / "starter" / path.name).read_bytes()
    try:
        with path.open("xb") as file:
            file.write(text)
    except FileExistsError:
        return "is there already, left as it is"
    return "written"
