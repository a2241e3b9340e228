"""What a source of text is: where it lies, and what all of its documents share."""

from typing import Final, Literal

from pydantic import Field

from scratchlm.base.config import Config

STDLIB: Final = "stdlib"


class FetchConfig(Config):
    """How pages of a `urls:` list are fetched. robots.txt is always honoured."""

    user_agent: str = "ScratchLM-corpus"
    """The name that servers see and that robots.txt may forbid."""
    delay_s: float = Field(default=1.0, ge=0)
    """Seconds between two requests to one host; a longer Crawl-delay wins."""
    timeout_s: float = Field(default=30.0, gt=0)
    """Seconds without an answer, and the most that one page may take."""
    retries: int = Field(default=3, ge=0)
    """Further attempts after an error of the network or of the server (5xx, 429)."""
    max_bytes: int = Field(default=16 * 2**20, ge=1)
    """Larger pages are left out."""
    max_redirects: int = Field(default=5, ge=0)
    """Redirects that are followed for one page."""
    hosts: int = Field(default=8, ge=1)
    """Hosts that are asked at the same time; one is never asked twice at once."""
    refresh: bool = False
    """Ask again, conditionally, for pages that the cache already holds."""


class SourceConfig(Config):
    """One source. A name, and the paths its text comes from."""

    name: str = Field(default="text", pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")
    """Groups the documents on the receipt and in the mix; unique in a build."""
    paths: tuple[str, ...] = ()
    """Files, folders and archives, also as patterns (`crawl/**/*.gz`); the web address
    of a file (`https://…`); what any store holds that fsspec knows
    (`s3://bucket/folder`, `memory://x`); `urls:FILE`, a list of pages to fetch, one a
    line; a dataset, `hf://datasets/OWNER/NAME[/CONFIG][@REVISION]`; or `stdlib`, the
    text that comes with Python (a folder of that name is `./stdlib`)."""
    include: tuple[str, ...] = ()
    """Patterns (`*.md`, `docs/**`) of which a file's path must match one; none: all."""
    exclude: tuple[str, ...] = ()
    """Patterns of files that are left out, even if included."""
    text_field: str | None = None
    """The field of json, jsonl, csv and parquet rows that holds the text; without
    it the first of text, content, body, … that a row has."""
    columns: tuple[str, ...] = ()
    """Further fields of rows to keep in the metadata of documents."""
    split: str = "train"
    """Which split of a Hugging Face dataset."""
    licence: str | None = None
    """SPDX id or text, for documents that do not say it themselves."""
    language: str | None = None
    """ISO 639 code, for documents that do not say it themselves."""
    priority: float = Field(default=0.0, allow_inf_nan=False)
    """Of equal documents, the one of the highest priority stays."""
    weight: float | None = Field(default=None, gt=0, allow_inf_nan=False)
    """Share in the mix, relative to the other sources'; without it, by size."""
    epochs: float | None = Field(default=None, gt=0, allow_inf_nan=False)
    """How often each document stands in the mix; not together with `weight`."""
    decontaminate: Literal["mask", "drop", "report"] | None = None
    """What is done with text that an evaluation item also holds; else as the section
    `decontaminate` says."""
    fetch: FetchConfig = FetchConfig()
    """For `urls:` lists."""
