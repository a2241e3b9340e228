"""Proof that an exported tokenizer gives the same ids where it is read.

The files are read back with the library that they are for; ids and decoded texts are
compared on a seeded set of strings: what tokenizers stumble over, and the vocabulary's
own tokens. For Hugging Face's form, conversations are rendered with transformers too,
where it is installed. The report stands beside the files.

llama.cpp itself is not run: the GGUF file is read back with the gguf package, and its
vocabulary, under the pattern that llama.cpp would take by its name, must give the ids.
"""

import json
import random
from base64 import b64decode
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Literal

from scratchlm.base.atomic import write_json
from scratchlm.base.errors import UserError
from scratchlm.tokenizer.chat import Message, honoured_names, render_conversation
from scratchlm.tokenizer.chat_templates import TemplateName, choose_template
from scratchlm.tokenizer.gguf_values import (
    VOCABULARY_FILE,
    from_gguf_values,
    read_gguf_values,
)
from scratchlm.tokenizer.huggingface import TOKENIZER_FILE
from scratchlm.tokenizer.tiktoken_file import RANKS_FILE
from scratchlm.tokenizer.tokenizer import Tokenizer
from scratchlm.tokenizer.tricky import tricky_texts

Format = Literal["huggingface", "tiktoken", "gguf"]
"""Forms that a tokenizer is exported to."""

REPORT_FILE = "verification.json"

_LIBRARIES: Mapping[Format, str] = {
    "huggingface": "tokenizers",
    "tiktoken": "tiktoken",
    "gguf": "gguf",
}
_MAX_EXAMPLES = 5
_N_CONVERSATIONS = 100

_Reader = tuple[Callable[[str], list[int]], Callable[[list[int]], str]]


def verify_export(
    tokenizer: Tokenizer,
    directory: Path,
    format: Format,
    n_strings: int = 2000,
    seed: int = 0,
    template: TemplateName | None = None,
) -> dict[str, Any]:
    """Read an export back and compare; the report is also written beside it.

    Arguments and result as `compare_export`.
    """
    report = compare_export(tokenizer, directory, format, n_strings, seed, template)
    write_json(directory / REPORT_FILE, report)
    return report


def compare_export(
    tokenizer: Tokenizer,
    place: Path,
    format: Format,
    n_strings: int = 2000,
    seed: int = 0,
    template: TemplateName | None = None,
) -> dict[str, Any]:
    """Read an export back and compare.

    Args:
        tokenizer: what was exported.
        place: the folder of the files; for GGUF also a file with a model in it.
        format: how they were written.
        n_strings: how many strings are compared.
        seed: which strings.
        template: the chat template that was exported; None as the export chooses.

    Returns:
        `verified`; `mismatches` of ids and of decoded texts, with examples; for
        Hugging Face's form `chat`. Where the library is missing, `why`. The same
        bytes each time, for the same versions of the libraries.
    """
    library = _LIBRARIES[format]
    found = installed_version(library)
    report: dict[str, Any] = {"format": format, "tokenizer": tokenizer.sha256}
    if found is None:
        why = f"not verified: {library} is not installed"
        report |= {"verified": False, "why": why}
    else:
        texts = _texts(tokenizer, n_strings, seed)
        report |= {"verified": True, "library": f"{library} {found}", "seed": seed}
        report |= _compare(tokenizer, _READERS[format](place), texts)
        report["verified"] = not report["mismatches"]
        if format == "huggingface":
            chosen = template or choose_template(tokenizer.special_tokens)
            report["chat"] = _compare_chats(tokenizer, place, chosen, texts)
            report["verified"] &= report["chat"].get("verified", True)
    return report


def check_report(report: Mapping[str, Any]) -> None:
    """Accept what was proved, and what could not be for want of a library.

    Raises:
        UserError: the ids or the conversations differ; an example.
    """
    if report["verified"] or "why" in report:
        return
    if report["mismatches"]:
        example = report["examples"][0]
        raise UserError(
            f"{report['library']} gives other ids for {report['mismatches']} of "
            f"{report['n_strings']} strings, for example {example['text']!r}: not kept"
        )
    raise UserError(
        f"{report['chat']['library']} renders conversations in another way: not kept"
    )


def installed_version(library: str) -> str | None:
    """Version of a library; None where it is not installed."""
    try:
        return version(library)
    except PackageNotFoundError:
        return None


def _texts(tokenizer: Tokenizer, n_strings: int, seed: int) -> list[str]:
    """Strings without control names, which other libraries always honour."""
    texts = tricky_texts(n_strings, seed, tokenizer)
    names = honoured_names(tokenizer)
    return [text for text in texts if not any(name in text for name in names)]


def _compare(
    tokenizer: Tokenizer, reader: _Reader, texts: Sequence[str]
) -> dict[str, Any]:
    encode, decode = reader
    examples = []
    mismatches = 0
    for text in texts:
        ours, theirs = tokenizer.encode(text), encode(text)
        if ours != theirs or decode(ours) != tokenizer.decode(ours):
            mismatches += 1
            examples.append({"text": text, "ours": ours, "theirs": theirs})
    return {
        "n_strings": len(texts),
        "mismatches": mismatches,
        "examples": examples[:_MAX_EXAMPLES],
    }


def _compare_chats(
    tokenizer: Tokenizer,
    directory: Path,
    template: TemplateName | None,
    texts: Sequence[str],
) -> dict[str, Any]:
    """Render conversations here and there, by whether a content begins with space.

    In our own template none may differ. The heads of the others end with line breaks,
    which a string tokenized whole merges with the white space that follows.
    """
    found = installed_version("transformers")
    if template is None:
        return {"template": None}
    if found is None:
        return {
            "template": template,
            "why": "not verified: transformers is not installed",
        }
    from transformers import PreTrainedTokenizerFast

    peer = PreTrainedTokenizerFast.from_pretrained(directory)
    different = {"plain": 0, "begins_with_white_space": 0}
    for messages in _conversations(texts):
        theirs = peer.apply_chat_template(messages, return_dict=False)
        ours, _ = render_conversation(tokenizer, messages, template=template)
        spaced = any(message["content"][:1].isspace() for message in messages)
        key = "begins_with_white_space" if spaced else "plain"
        different[key] += theirs != ours
    return {
        "template": template,
        "library": f"transformers {found}",
        "conversations": _N_CONVERSATIONS,
        "different": different,
        "verified": template != "scratchlm" or not any(different.values()),
    }


def _conversations(texts: Sequence[str]) -> list[list[Message]]:
    draw = random.Random(len(texts))
    roles = ("system", "user", "assistant", "tool")
    return [
        [
            {"role": draw.choice(roles), "content": draw.choice(texts)}
            for _ in range(draw.randrange(1, 5))
        ]
        for _ in range(_N_CONVERSATIONS)
    ]


def _read_huggingface(directory: Path) -> _Reader:
    from tokenizers import Tokenizer as Peer

    peer = Peer.from_file(str(directory / TOKENIZER_FILE))
    return (
        lambda text: list(peer.encode(text, add_special_tokens=False).ids),
        lambda ids: str(peer.decode(ids, skip_special_tokens=False)),
    )


def _read_tiktoken(directory: Path) -> _Reader:
    import tiktoken

    ranks = {}
    for line in (directory / RANKS_FILE).read_bytes().splitlines():
        token, rank = line.split()
        ranks[b64decode(token)] = int(rank)
    side = json.loads((directory / f"{RANKS_FILE}.json").read_bytes())
    peer = tiktoken.Encoding(
        "export",
        pat_str=side["pat_str"],
        mergeable_ranks=ranks,
        special_tokens=side["special_tokens"],
    )
    return peer.encode_ordinary, peer.decode


def _read_gguf(directory: Path) -> _Reader:
    path = directory if directory.is_file() else directory / VOCABULARY_FILE
    peer = from_gguf_values(read_gguf_values(path))
    return peer.encode, peer.decode


_READERS: Mapping[Format, Callable[[Path], _Reader]] = {
    "huggingface": _read_huggingface,
    "tiktoken": _read_tiktoken,
    "gguf": _read_gguf,
}
