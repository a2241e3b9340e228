"""Build a corpus directory: read, clean, compare, mix, hold out, ask.

The directory appears whole or not at all, and its bytes depend on the inputs and the
configuration alone: not on the memory, the number of workers or where they run, nor
on how often the build was interrupted. See `store` for what stands in it.
"""

import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from scratchlm.base.atomic import read_json, remove_leftovers, write_text
from scratchlm.base.errors import UserError
from scratchlm.base.hashing import sha256_json
from scratchlm.base.progress import SILENT, Progress
from scratchlm.base.units import format_bytes
from scratchlm.corpus.assemble import Finished, assemble_corpus, count_sides
from scratchlm.corpus.clusters import write_clusters
from scratchlm.corpus.config import CorpusConfig
from scratchlm.corpus.conversations import build_chat_rows
from scratchlm.corpus.decontaminate.steps import check_final
from scratchlm.corpus.dedup.near_removal import DUPLICATES
from scratchlm.corpus.document import Document
from scratchlm.corpus.flow.executor import Executor, build_executor, choose_workers
from scratchlm.corpus.flow.flow import Flow, Part
from scratchlm.corpus.flow.table import read_batches
from scratchlm.corpus.mix.steps import assign_step
from scratchlm.corpus.options import BuildOptions, work_beside
from scratchlm.corpus.published import published_settings
from scratchlm.corpus.receipt import Receipt
from scratchlm.corpus.sources.piece import InputShard
from scratchlm.corpus.sources.plan import plan_inputs
from scratchlm.corpus.split import split_documents
from scratchlm.corpus.steps import build_steps, rule_names, rule_settings
from scratchlm.corpus.store import CONVERSATIONS, PREFERENCES, Corpus
from scratchlm.corpus.walk import CACHE_SIGNATURE, CACHE_TAG

NAMED_HELDOUT = 200  # ids that the receipt repeats; all are in heldout/
CACHE, LOCK = "cache", "lock"
DECONTAMINATE = "decontaminate"
MOST_IN_MEMORY_BYTES = 4 * 10**9
"""More text than this is not split in memory."""


def build_corpus(
    config: CorpusConfig,
    directory: Path,
    progress: Progress = SILENT,
    options: BuildOptions = BuildOptions(),  # noqa: B008  (frozen)
) -> Corpus:
    """Build the corpus and write it to `directory`, replacing what stands there.

    Raises:
        UserError: a path does not exist, nothing usable remains, the output cannot be
            written, or another build writes to the same work directory.
    """
    work = options.work or work_beside(directory)
    with _locked(work, directory):
        build = _Build(config, options, work, progress)
        try:
            finished = build.run()
        finally:
            build.close()
        assemble_corpus(finished, directory)
        build.flow.graph.prune()
    if not options.keep_work:
        shutil.rmtree(work, ignore_errors=True)
    return Corpus(directory)


class _Build:
    """One build: what is known of it so far."""

    def __init__(
        self,
        config: CorpusConfig,
        options: BuildOptions,
        work: Path,
        progress: Progress,
    ) -> None:
        self._config = config
        self._sources = {source.name: source for source in config.all_sources()}
        self._cache = work / CACHE
        self._progress = progress
        self._receipt = Receipt()
        self._facts: dict[str, Any] = {}
        self._judged: Path | None = None
        self._work = work
        self._options = options
        self._executor: Executor | None = None

    def run(self) -> Finished:
        """Do everything but put the directory together."""
        config = self._config
        if config.source == "files" and not (config.sources or config.paths):
            raise UserError("no text was named; say --text DIR_OR_FILES")
        if config.ask and any(s.weight or s.epochs for s in self._sources.values()):
            raise UserError("weights and epochs of sources need ask=false")
        shards = self._plan()
        flow = self.flow = self._start(sum(shard.n_bytes for shard in shards))
        flow.read(shards, self._sources, rule_settings(config), self._cache)
        for step in build_steps(config, self._sources):
            view = flow.view()
            out = flow.decide(step)
            self._note(step.name, out)
            if (out / DUPLICATES).exists():
                write_clusters(self._work, out, view)
            if step.name == DECONTAMINATE:
                self._judged = out
        if not config.ask:
            sources = tuple(self._sources.values())
            step = assign_step(config.mix, config.split, sources)
            self._note(step.name, flow.assign(step))
        parts = flow.write()
        self._receipt.add(flow.receipt(rule_names(config)))
        self._require_enough(parts)
        sides, chat = self._ask(parts) if config.ask else (None, None)
        self._check_result(parts)
        return Finished(
            parts,
            {**self._receipt_json(parts, sides), **self._facts},
            published_settings(config),
            _fingerprints(shards),
            sides,
            chat,
        )

    def close(self) -> None:
        """End the workers."""
        if self._executor is not None:
            self._executor.close()

    def _start(self, n_bytes: int) -> Flow:
        """The workers for so much input; few bytes are not worth many."""
        options = self._options
        workers = choose_workers(options.workers, options.memory_bytes, n_bytes)
        self._executor = build_executor(options.on, workers)
        return Flow(
            self._work,
            self._executor,
            options.memory_bytes,
            self._progress,
            options.canaries,
        )

    def _plan(self) -> list[InputShard]:
        return plan_inputs(
            tuple(self._sources.values()),
            self._config.read,
            self._cache,
            self._receipt,
            self._progress,
        )

    def _note(self, name: str, out: Path) -> None:
        """What a step says of itself beside its decisions."""
        for file in ("summary.json", "mix.json"):
            if (out / file).exists():
                self._facts[name] = read_json(out / file)

    def _require_enough(self, parts: Sequence[Part]) -> None:
        found = count_sides(parts, None)
        n_bytes = sum(side["n_bytes"] for side in found.values())
        if n_bytes >= self._config.min_corpus_bytes:
            return
        n_documents = sum(side["n_documents"] for side in found.values())
        why = self._receipt.main_reasons()
        raise UserError(
            f"too little text: {n_documents} usable documents with "
            f"{format_bytes(n_bytes)}, of "
            f"{format_bytes(self._config.min_corpus_bytes)} needed"
            + (f"; left out: {why}" if why else "")
            + "; give more with --text DIR_OR_FILES"
        )

    def _check_result(self, parts: Sequence[Part]) -> None:
        """Look for evaluation items once more, in what was written."""
        if self._judged is not None:
            paths = [path for part in parts for path in (part.train, part.heldout)]
            found = check_final(self._config.decontaminate, paths, self._judged)
            self._facts["decontamination_of_the_result"] = found

    def _ask(
        self, parts: Sequence[Part]
    ) -> tuple[dict[str, list[Document]], dict[str, list[dict[str, Any]]]]:
        """Hold out in memory, and build what the chat stages learn from."""
        found = count_sides(parts, None)["train"]
        n_documents, n_bytes = found["n_documents"], found["n_bytes"]
        self._progress.note(f"{n_documents} documents, {format_bytes(n_bytes)}")
        if n_bytes > MOST_IN_MEMORY_BYTES:
            raise UserError(
                f"{format_bytes(n_bytes)} are too much to ask about; build the corpus "
                "with ask=false, and give conversations in a file"
            )
        documents = list(_documents(parts))
        split = split_documents(self._config, documents)
        rows = build_chat_rows(self._config, split.train, split.heldout)
        self._facts["split"] = split.notes
        self._facts["chat"] = rows.notes
        ids = [document.id for document in split.heldout[:NAMED_HELDOUT]]
        self._facts["heldout_ids"] = ids
        sides = {"train": split.train, "heldout": split.heldout}
        chat = {CONVERSATIONS: rows.conversations, PREFERENCES: rows.preferences}
        return sides, chat

    def _receipt_json(
        self, parts: Sequence[Part], sides: Mapping[str, Sequence[Document]] | None
    ) -> dict[str, Any]:
        config = self._config
        given = config.chat is not None and config.preferences is not None
        return {
            "source": config.source,
            "synthetic": config.source == "files" and config.ask and not given,
            "steps": self._receipt.to_json(),
            **count_sides(parts, sides),
        }


def _documents(parts: Sequence[Part]) -> Iterator[Document]:
    for part in parts:
        for batch in read_batches(part.train):
            yield from batch.documents()


def _fingerprints(shards: Sequence[InputShard]) -> dict[str, str]:
    """One hash for the inputs of each source."""
    names = sorted({shard.source for shard in shards})
    return {
        name: sha256_json([s.fingerprint for s in shards if s.source == name])
        for name in names
    }


@contextmanager
def _locked(work: Path, directory: Path) -> Iterator[None]:
    """Nobody else builds here, and both places can be written."""
    write_text(work / CACHE_TAG, f"{CACHE_SIGNATURE}\n")
    if directory.exists() and not directory.is_dir():
        raise UserError(f"{directory} is a file; name another place with --out")
    try:
        with FileLock(work / LOCK, timeout=0):
            remove_leftovers(work)
            yield
    except Timeout:
        raise UserError(
            f"another build works in {work}; wait for it, or name another place"
        ) from None
