"""TEMP"""

import click


@click.command()
def verify() -> None: ...
