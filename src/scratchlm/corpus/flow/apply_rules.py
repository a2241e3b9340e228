"""Apply rules to documents, one list after the other, and count what each did."""

from collections.abc import Iterable, Iterator, Sequence

from scratchlm.base.errors import UserError
from scratchlm.corpus.document import Document
from scratchlm.corpus.receipt import Receipt, Step
from scratchlm.corpus.rule import Dropped, Rule, Verdict

LIST_CHARS = 2**20
LIST_DOCUMENTS = 512
EXCERPT_CHARS = 160


class DeadCanaryError(UserError):
    """A step that did nothing to a document made so that it must."""


def check_canaries(rules: Sequence[Rule]) -> None:
    """Try every rule on its canary.

    Raises:
        DeadCanaryError: a rule passed its canary unchanged.
    """
    for rule in rules:
        canary = rule.canary
        if canary is not None and rule.apply([canary]) == [canary]:
            raise DeadCanaryError(
                f"the rule {rule.name} passed a document that it must not: it does "
                "nothing as it is configured; check its settings"
            )


def filter_documents(
    rules: Sequence[Rule], documents: Iterable[Document], receipt: Receipt
) -> Iterator[Document]:
    """The documents that pass all rules, as the rules left them, in order."""
    steps = [receipt.step(rule.name) for rule in rules]
    for some in _lists(documents):
        for rule, step in zip(rules, steps, strict=True):
            verdicts = rule.apply(some)
            assert len(verdicts) == len(some)
            pairs = zip(some, verdicts, strict=True)
            some = list(_kept(step, pairs))
        yield from some


def excerpt(text: str) -> str:
    """The beginning of a text on one line, for a person to look at."""
    return " ".join(text[: 2 * EXCERPT_CHARS].split())[:EXCERPT_CHARS]


def _kept(step: Step, pairs: Iterable[tuple[Document, Verdict]]) -> Iterator[Document]:
    """What stays; all is counted."""
    for before, after in pairs:
        size = before.n_bytes
        if isinstance(after, Dropped):
            _drop(step, before, after, size)
            continue
        changed = after is not before and after.text != before.text
        left = after.n_bytes if changed else size
        step.keep(left, source=before.source, bytes_in=size, changed=int(changed))
        yield after


def _drop(step: Step, document: Document, dropped: Dropped, n_bytes: int) -> None:
    shown = {"id": document.id, "excerpt": excerpt(document.text)}
    if dropped.detail:
        shown["detail"] = dropped.detail
    source, failed = document.source, dropped.failed
    step.drop(shown, dropped.reason, n_bytes, source=source, failed=failed)


def _lists(documents: Iterable[Document]) -> Iterator[list[Document]]:
    some: list[Document] = []
    size = 0
    for document in documents:
        some.append(document)
        size += len(document.text)
        if size >= LIST_CHARS or len(some) >= LIST_DOCUMENTS:
            yield some
            some, size = [], 0
    if some:
        yield some
