"""Questions with known answers: does the chat model answer, or only sound like it?

The model answers each question greedily. Each kind of question (asked in training,
never asked, about files never read) is judged apart by token F1 against the reference
and held against two straw men that know nothing of the question: the best single
constant answer, and the model's own answers dealt to the wrong questions. The
differences are paired by question, and their intervals resample references, not
questions: several forms of one question are one piece of evidence.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from scratchlm.base.hashing import sha256_bytes
from scratchlm.base.progress import SILENT, Progress
from scratchlm.base.statistics import (
    Interval,
    bootstrap_mean_interval,
    paired_bootstrap_interval,
)
from scratchlm.evaluate.match import (
    distinct_frac,
    exact_match,
    shuffled_f1,
    strongest_constant_answer,
    token_f1,
)

if TYPE_CHECKING:
    from scratchlm.model.transformer import Transformer
    from scratchlm.tokenizer import Tokenizer

Row = Mapping[str, Any]

KINDS = ("asked", "unasked", "heldout", "given")
N_EXAMPLES = 5


@dataclass(frozen=True)
class Answer:
    """One question with the model's answer and its scores."""

    id: str
    kind: str
    question: str
    answer: str
    reference: str
    stopped: bool
    f1: float


def evaluate_conversations(
    model: Transformer,
    tokenizer: Tokenizer,
    rows: Iterable[Row],
    *,
    max_questions: int = 300,
    max_new_tokens: int = 64,
    batch_size: int = 64,
    progress: Progress = SILENT,
) -> tuple[dict[str, Any], list[Answer]]:
    """Answer the test questions among conversation rows and judge them by kind.

    Args:
        model: the chat model, in evaluation mode.
        tokenizer: its tokenizer.
        rows: all conversations, those of training included: the best constant answer
            is looked for among their references too.
        max_questions: at most so many of each kind.
        max_new_tokens: an answer that has not stopped by then counts as unstopped.
        batch_size: questions answered at once.

    Returns:
        The report (see `judge_answers`) and every answer.
    """
    everything = list(rows)
    training = [str(row["reference"]) for row in everything if row["split"] == "train"]
    questions = select_questions(everything, max_questions)
    answers, too_long = answer_questions(
        model, tokenizer, questions, max_new_tokens, batch_size, progress
    )
    report = judge_answers(answers, training)
    report = {"max_new_tokens": max_new_tokens, "n_too_long": too_long, **report}
    return report, answers


def select_questions(rows: Sequence[Row], max_questions: int) -> list[Row]:
    """Take the test questions: at most so many of each kind, spread by their hash.

    Test questions are the rows of the test split, and those of the training split
    that are flagged ``test_asked``.
    """
    by_kind: dict[str, list[Row]] = {}
    for row in rows:
        if row["split"] == "test" or row.get("test_asked"):
            by_kind.setdefault(str(row["kind"]), []).append(row)
    chosen: list[Row] = []
    for kind in sorted(by_kind, key=kind_order):
        ranked = sorted(by_kind[kind], key=_hash_rank)[:max_questions]
        chosen.extend(sorted(ranked, key=lambda row: str(row["id"])))
    return chosen


def kind_order(kind: str) -> tuple[int, str]:
    """Sort key: the kinds from the easiest to the hardest, then any others."""
    return (KINDS.index(kind) if kind in KINDS else len(KINDS), kind)


def answer_questions(
    model: Transformer,
    tokenizer: Tokenizer,
    rows: Sequence[Row],
    max_new_tokens: int = 64,
    batch_size: int = 64,
    progress: Progress = SILENT,
) -> tuple[list[Answer], int]:
    """Answer each row greedily, in the order given.

    Returns the answers and how many questions were left out because they and their
    answer do not fit into the model's context.
    """
    from scratchlm.tokenizer.chat import render_conversation

    room = model.config.context_length - max_new_tokens
    prompts = [
        render_conversation(tokenizer, prompt_messages(row), add_generation_prompt=True)
        for row in rows
    ]
    fitting = [i for i, (ids, _) in enumerate(prompts) if len(ids) <= room]
    fitting.sort(key=lambda i: len(prompts[i][0]))  # like lengths together
    found: dict[int, Answer] = {}
    for start in range(0, len(fitting), batch_size):
        batch = fitting[start : start + batch_size]
        texts = _generate(
            model, tokenizer, [prompts[i][0] for i in batch], max_new_tokens
        )
        for i, (text, stopped) in zip(batch, texts, strict=True):
            found[i] = _build_answer(rows[i], text, stopped)
        progress.update(start + len(batch), len(fitting), "answering questions")
    return [found[i] for i in sorted(found)], len(rows) - len(fitting)


def prompt_messages(row: Row) -> list[dict[str, str]]:
    """The messages of a conversation up to its last question."""
    messages = [dict(message) for message in row["messages"]]
    while messages and messages[-1]["role"] == "assistant":
        messages.pop()
    return messages


def judge_answers(
    answers: Sequence[Answer], training_answers: Sequence[str]
) -> dict[str, Any]:
    """Judge answers by kind: ``{"kinds": {kind: {...}}}``, ready for JSON."""
    kinds = sorted({answer.kind for answer in answers}, key=kind_order)
    judged = {
        kind: judge_kind([a for a in answers if a.kind == kind], training_answers)
        for kind in kinds
    }
    return {"kinds": judged}


def judge_kind(
    answers: Sequence[Answer], training_answers: Sequence[str]
) -> dict[str, Any]:
    """Judge the answers to questions of one kind (at least one)."""
    assert answers
    texts = [answer.answer for answer in answers]
    references = [answer.reference for answer in answers]
    scores = np.array([answer.f1 for answer in answers])
    constant = strongest_constant_answer(training_answers, references)
    assert constant is not None, "there is at least one reference"
    shuffled = shuffled_f1(texts, references)
    over_constant = paired_bootstrap_interval(
        scores, constant.scores, groups=references
    )
    over_shuffled = paired_bootstrap_interval(scores, shuffled, groups=references)
    return {
        "n": len(answers),
        "n_references": len(set(references)),
        "f1": bootstrap_mean_interval(scores, groups=references).as_json(),
        "constant": {
            "f1": round(constant.f1, 6),
            "answer": constant.answer,
            "chosen_from": constant.chosen_from,
        },
        "shuffled_f1": round(float(shuffled.mean()), 6),
        "over_constant": _with_verdict(over_constant),
        "over_shuffled": _with_verdict(over_shuffled),
        "stop_frac": _mean(answer.stopped for answer in answers),
        "distinct_frac": round(distinct_frac(texts), 6),
        "distinct_reference_frac": round(distinct_frac(references), 6),
        "exact_frac": _mean(exact_match(a.answer, a.reference) for a in answers),
        "examples": pick_examples(answers),
    }


def compare_answers(
    before: Sequence[Answer], after: Sequence[Answer]
) -> dict[str, Interval]:
    """Change of F1 from one model to another on the same questions, by kind."""
    earlier = {answer.id: answer.f1 for answer in before}
    result = {}
    for kind in sorted({answer.kind for answer in after}, key=kind_order):
        pairs = [a for a in after if a.kind == kind and a.id in earlier]
        result[kind] = paired_bootstrap_interval(
            [a.f1 for a in pairs],
            [earlier[a.id] for a in pairs],
            groups=[a.reference for a in pairs],
        )
    return result


def pick_examples(
    answers: Sequence[Answer], n: int = N_EXAMPLES
) -> dict[str, list[dict[str, Any]]]:
    """The best, the median and the worst answers, at most one of each reference."""
    ranked = sorted(answers, key=lambda answer: (-answer.f1, answer.id))
    first = list({answer.reference: answer for answer in reversed(ranked)}.values())
    ranked = sorted(first, key=lambda answer: (-answer.f1, answer.id))
    middle = max(0, (len(ranked) - n) // 2)
    groups = {
        "best": ranked[:n],
        "median": ranked[middle : middle + n],
        "worst": ranked[::-1][:n],
    }
    return {
        name: [answer_as_json(answer) for answer in group]
        for name, group in groups.items()
    }


def answer_as_json(answer: Answer) -> dict[str, Any]:
    """One answer as a row for a result file."""
    return {**asdict(answer), "f1": round(answer.f1, 6)}


def _build_answer(row: Row, text: str, stopped: bool) -> Answer:
    reference = str(row["reference"])
    users = [m["content"] for m in row["messages"] if m["role"] == "user"]
    return Answer(
        id=str(row["id"]),
        kind=str(row["kind"]),
        question=str(users[-1]) if users else "",
        answer=text,
        reference=reference,
        stopped=stopped,
        f1=token_f1(text, reference),
    )


def _generate(
    model: Transformer,
    tokenizer: Tokenizer,
    prompts: list[list[int]],
    max_new_tokens: int,
) -> list[tuple[str, bool]]:
    from scratchlm.generate import Sampling, chat_stop_ids, forbidden_ids, generate

    stop_ids = chat_stop_ids(tokenizer)
    completions = generate(
        model,
        prompts,
        max_new_tokens=max_new_tokens,
        stop_ids=stop_ids,
        sampling=Sampling(temperature=0.0),
        forbidden_ids=forbidden_ids(tokenizer),
    )
    texts = []
    for completion in completions:
        ids = [i for i in completion.ids if i not in stop_ids]
        texts.append((tokenizer.decode(ids).strip(), completion.stopped))
    return texts


def _hash_rank(row: Row) -> str:
    return sha256_bytes(f"question\0{row['id']}".encode())


def _with_verdict(interval: Interval) -> dict[str, Any]:
    return {**interval.as_json(), "excludes_zero": interval.excludes_zero}


def _mean(flags: Iterable[bool]) -> float:
    values = list(flags)
    return round(sum(values) / len(values), 6) if values else 0.0
