"""Peers of exact versions, each set in a folder of its own."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path


def install_pinned(folder: Path, pinned: Mapping[str, str]) -> dict[str, str]:
    """Install what is missing into a folder of its own; versions by name."""
    stamp = folder / "pinned.json"
    if not stamp.exists() or json.loads(stamp.read_text()) != pinned:
        wanted = [f"{name}=={version}" for name, version in pinned.items()]
        command = [sys.executable, "-m", "pip", "install", "--quiet", "--upgrade"]
        subprocess.run([*command, "--target", str(folder), *wanted], check=True)
        stamp.write_text(json.dumps(pinned))
    return dict(pinned)
