"""Kinds of arguments and options that several commands share."""

from typing import Any

import typer


def folder_option(description: str) -> Any:
    """An option that is a folder."""
    return typer.Option(metavar="FOLDER", help=description)


def file_argument(description: str) -> Any:
    """An argument that is a file which is there."""
    return typer.Argument(exists=True, dir_okay=False, help=description)
