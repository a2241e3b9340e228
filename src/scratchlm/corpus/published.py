"""The configuration as a corpus shows it: everything that decided, and no place.

Paths of this machine stand in no artefact. A source is known by its name and its
inputs' fingerprint; a file that a setting names (evaluation items, lists of words,
weights) by the hash of its content. A limit of `inf` is null, as JSON has it.
"""

import json
from pathlib import Path
from typing import Any

from scratchlm.base.config import Config
from scratchlm.base.hashing import sha256_file
from scratchlm.corpus.config import CorpusConfig
from scratchlm.corpus.decontaminate.item_files import find_item_files

_PLACES = {"paths", "sources", "chat", "preferences"}
_OF_NO_BYTE = {"paths", "fetch"}


def published_settings(config: CorpusConfig) -> dict[str, Any]:
    """The settings as JSON values.

    Raises:
        UserError: a file that they name is gone.
    """
    settings: dict[str, Any] = _plain(config, _PLACES)
    settings["sources"] = {
        source.name: _plain(source, _OF_NO_BYTE) for source in config.all_sources()
    }
    lists = sorted(config.filters.bad_words.lists.items())
    words = {language: _hash(path) for language, path in lists}
    settings["filters"]["bad_words"]["lists"] = words
    items = find_item_files(config.decontaminate.files)
    files = sorted([name, _hash(path)] for name, path in items)
    settings["decontaminate"]["files"] = files
    if config.mix.weight_file is not None:
        settings["mix"]["weight_file"] = _hash(config.mix.weight_file)
    return settings


def _plain(config: Config, left_out: set[str]) -> dict[str, Any]:
    text = json.dumps(config.model_dump(mode="json", exclude=left_out))
    values: dict[str, Any] = json.loads(text, parse_constant=lambda _: None)
    return values


def _hash(path: str | Path) -> str:
    """The SHA-256 of a file; "" for one that is not there, and so was not read."""
    place = Path(path).expanduser()
    return sha256_file(place) if place.is_file() else ""
