"""Reads config.yaml, or says everything that is wrong with it."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from keyreeve.config.mistakes import Form
from keyreeve.config.reading import parsed, text_of
from keyreeve.config.settings import UNION_TAGS, YEARS, Config

CONFIG: Final = Form(
    root=Config,
    advice="`keyreeve init` asks for the few needed facts and writes a commented config.yaml.",
    stand_ins={
        ("project_name",): "stand-in",
        ("storage",): {"directory": "stand-in"},
        ("mail", "sender"): "stand-in@example.com",
        ("mail", "cc"): ["stand-in@example.com"],
        ("mail", "smtp", "host"): "stand-in",
        ("mail",): {"sender": "stand-in@example.com", "cc": ["stand-in@example.com"]},
    },
    union_tags=UNION_TAGS,
)


def load(path: Path, *, now_year_range: tuple[int, int] | None = None) -> Config:
    """The config of a file; public holidays are known for the given years, both included.

    ConfigError with all mistakes at once, each as `file:line:column: setting: what is wrong`.
    """
    return parse(text_of(path, CONFIG), path=path, now_year_range=now_year_range)


def parse(text: str, *, path: Path, now_year_range: tuple[int, int] | None = None) -> Config:
    """The config of a text that stands, or will stand, at `path`; errors as `load`."""
    return parsed(text, path, CONFIG).read_from(path, now_year_range or YEARS)
