"""Keyreeve keeps the keys of an AWS account."""

from __future__ import annotations

__version__ = "0.1.0"
