"""Datasets of the Hugging Face hub: which of their files hold a split.

`hf://datasets/OWNER/NAME[/CONFIG][@REVISION]`. A dataset's README may say which files
make which split of which configuration (`configs:` in its front matter). Where it
does not, names do: a split's name as a word of the path below the configuration's
folder (`data/train-00000-of-00009.parquet`, `de/train/part1.jsonl.gz`); where no
name speaks of any split, all files are `train`. Files are read as they stream; no
code of a dataset is run.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

from scratchlm.base.errors import UserError
from scratchlm.corpus.clean import printable_name
from scratchlm.corpus.sources.located import Located
from scratchlm.corpus.sources.remote import remote_file, store_errors
from scratchlm.corpus.sources.streams import open_file_system

if TYPE_CHECKING:
    from fsspec import AbstractFileSystem

_DATA = re.compile(
    r"\.(parquet|jsonl|ndjson|json|csv|tsv|txt)(\.(gz|xz|zst|bz2))?$", re.IGNORECASE
)
_SPLITS = {
    "train": ("train", "training"),
    "validation": ("validation", "valid", "val", "dev"),
    "test": ("test", "testing", "eval", "evaluation"),
}
_NOT_DATA = ("dataset_infos.json", "dataset_info.json", "state.json")
DEFAULT = "default"


@dataclass(frozen=True, slots=True)
class DatasetName:
    """A dataset, one of its configurations, and a revision of the repository."""

    repository: str
    config: str | None = None
    revision: str | None = None

    @property
    def root(self) -> str:
        """The repository's URL at that revision."""
        at = f"@{self.revision.replace('/', '%2F')}" if self.revision else ""
        return f"hf://datasets/{self.repository}{at}"


def parse_dataset_name(url: str) -> DatasetName:
    """Read `hf://datasets/OWNER/NAME[/CONFIG][@REVISION]`.

    Raises:
        UserError: it is something else.
    """
    path, _, revision = url.removeprefix("hf://").partition("@")
    kind, *parts = path.strip("/").split("/")
    if kind != "datasets" or len(parts) not in (2, 3) or not all(parts):
        raise UserError(
            f"{url} is no dataset; write hf://datasets/OWNER/NAME[/CONFIG][@REVISION]"
        )
    config = parts[2] if len(parts) == 3 else None
    return DatasetName("/".join(parts[:2]), config, revision or None)


def find_dataset_files(url: str, split: str) -> Iterator[Located]:
    """The files of a split, by name.

    Raises:
        UserError: no such dataset, configuration or split, or no connection.
    """
    dataset = parse_dataset_name(url)
    with store_errors(url):
        commit = replace(dataset, revision=_commit(dataset))
        file_system, root = open_file_system(commit.root)
        found = list_split(file_system, root, dataset, split)
    yield from found


def list_split(
    file_system: "AbstractFileSystem", root: str, dataset: DatasetName, split: str
) -> list[Located]:
    """The files of a split of a dataset that lies under `root` of a file system.

    Raises:
        UserError: there are none; the message names the splits there are.
    """
    infos: dict[str, Mapping[str, Any]] = file_system.find(root, detail=True)
    paths = {str(path)[len(root) :].strip("/"): path for path in sorted(infos)}
    said = _said_configs(_read_readme(file_system, paths.get("README.md")))
    splits = _splits_said(said, dataset, list(paths)) or _splits_by_name(
        [path for path in paths if _is_data(path)], dataset.config
    )
    if split not in splits:
        known = ", ".join(sorted(splits)) or "none"
        configs = f"; configurations: {', '.join(sorted(said))}" if said else ""
        raise UserError(
            f"{dataset.root} has no split {split!r} "
            f"of {dataset.config or 'its files'}; splits: {known}{configs}"
        )
    base = dataset.repository.rpartition("/")[2]
    return [
        remote_file(
            printable_name(f"{base}/{path}"),
            file_system.unstrip_protocol(paths[path]),
            infos[paths[path]],
        )
        for path in splits[split]
    ]


def _commit(dataset: DatasetName) -> str | None:
    """The commit that a branch or tag stands at: what is planned is what is read."""
    try:
        from huggingface_hub import HfApi
    except ImportError:
        return dataset.revision  # what opens the file system says how to get it
    info = HfApi().dataset_info(dataset.repository, revision=dataset.revision)
    return info.sha


def _read_readme(file_system: "AbstractFileSystem", path: str | None) -> str:
    return file_system.cat_file(path).decode("utf-8", "replace") if path else ""


def _said_configs(readme: str) -> dict[str, Any]:
    """`data_files` by configuration, from the YAML on top of a README."""
    match = re.match(r"---\s*\n(.*?)\n---\s*(?:\n|$)", readme, re.DOTALL)
    if not match:
        return {}
    import yaml

    try:
        front = yaml.safe_load(match[1])
    except yaml.YAMLError:
        return {}
    configs = front.get("configs") if isinstance(front, Mapping) else None
    found: dict[str, Any] = {}
    for config in configs if isinstance(configs, list) else []:
        if isinstance(config, Mapping) and config.get("data_files"):
            found[str(config.get("config_name", DEFAULT))] = config["data_files"]
            if config.get("default") is True:
                found[DEFAULT] = config["data_files"]
    return found


def _splits_said(
    said: Mapping[str, Any], dataset: DatasetName, paths: Sequence[str]
) -> dict[str, list[str]]:
    """Files by split as the README has it; {} where it does not say.

    Raises:
        UserError: several configurations, and none was named.
    """
    if dataset.config is None and said and DEFAULT not in said and len(said) > 1:
        raise UserError(
            f"{dataset.root} has several configurations: write one of "
            f"{', '.join(sorted(said))} behind the name"
        )
    name = dataset.config or (DEFAULT if DEFAULT in said else next(iter(said), ""))
    return {
        split: files
        for split, patterns in _patterns(said.get(name))
        if (files := [p for p in paths if any(_globs(p, each) for each in patterns)])
    }


def _patterns(data_files: Any) -> Iterator[tuple[str, list[str]]]:
    """(split, patterns): from a string, a list, a mapping, or a list of mappings."""
    if isinstance(data_files, str):
        yield "train", [data_files]
    elif isinstance(data_files, Mapping):
        for split, value in data_files.items():
            yield str(split), [value] if isinstance(value, str) else list(value)
    elif isinstance(data_files, list):
        plain = [value for value in data_files if isinstance(value, str)]
        if plain:
            yield "train", plain
        for entry in data_files:
            if isinstance(entry, Mapping) and "path" in entry:
                value = entry["path"]
                named = [value] if isinstance(value, str) else list(value)
                yield str(entry.get("split", "train")), named


def _globs(path: str, pattern: str) -> bool:
    """`**/` may also stand for no folder at all."""
    return fnmatchcase(path, pattern) or fnmatchcase(path, pattern.replace("**/", ""))


def _is_data(path: str) -> bool:
    last = path.rpartition("/")[2]
    hidden = any(part.startswith((".", "_")) for part in path.split("/"))
    return bool(_DATA.search(path)) and last not in _NOT_DATA and not hidden


def _splits_by_name(paths: Sequence[str], config: str | None) -> dict[str, list[str]]:
    """Files by the split that their path names."""
    if config is not None:
        inside = [path for path in paths if config in path.split("/")[:-1]]
        starts = [
            path for path in paths if path.startswith((f"{config}.", f"{config}-"))
        ]
        paths = inside or starts
    splits: dict[str, list[str]] = {}
    for path in paths:
        words = re.split(r"[^a-z]+", path.lower())
        for split, names in _SPLITS.items():
            if any(name in words for name in names):
                splits.setdefault(split, []).append(path)
                break
    return splits or ({"train": list(paths)} if paths else {})
