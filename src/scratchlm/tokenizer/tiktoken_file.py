"""The vocabulary as tiktoken reads it: a file of ranks, and beside it what it lacks.

    tokenizer.tiktoken        base64 of a token's bytes, a space, its id; a line a token
    tokenizer.tiktoken.json   {"pattern", "pat_str", "special_tokens", "n_vocab",
                               "sha256" of the ranks}

tiktoken merges whatever two neighbours make a token, the smallest id first. So a
vocabulary can stand there only if its ids follow the order of its merges.

    import base64, json, tiktoken
    side = json.load(open("tokenizer.tiktoken.json"))
    lines = map(bytes.split, open("tokenizer.tiktoken", "rb"))
    ranks = {base64.b64decode(token): int(rank) for token, rank in lines}
    encoding = tiktoken.Encoding("mine", pat_str=side["pat_str"],
        mergeable_ranks=ranks, special_tokens=side["special_tokens"])
"""

from base64 import b64decode, b64encode
from itertools import pairwise
from pathlib import Path
from typing import Any

from scratchlm.base.atomic import read_json, write_bytes, write_json
from scratchlm.base.errors import UserError
from scratchlm.base.hashing import sha256_bytes
from scratchlm.tokenizer.bpe_model import BPE
from scratchlm.tokenizer.imported_huggingface import check_size
from scratchlm.tokenizer.pattern import PATTERNS, PatternName
from scratchlm.tokenizer.tokenizer import Tokenizer

RANKS_FILE = "tokenizer.tiktoken"


def write_tiktoken(tokenizer: Tokenizer, directory: Path) -> None:
    """Write the ranks and the side file.

    Raises:
        UserError: tiktoken cannot give this vocabulary's ids; the reason.
    """
    model = tokenizer.bpe
    check_ids_are_ranks(model, "tiktoken")
    lines = (
        b64encode(token) + b" %d\n" % rank
        for rank, token in enumerate(model.tokens)
        if token
    )
    data = b"".join(lines)
    write_bytes(directory / RANKS_FILE, data)
    side = {
        "pattern": model.pattern,
        "pat_str": PATTERNS[model.pattern],
        "special_tokens": tokenizer.special_tokens,
        "n_vocab": tokenizer.vocab_size,
        "sha256": sha256_bytes(data),
    }
    write_json(_side_path(directory / RANKS_FILE), side)


def read_tiktoken(path: Path, pattern: PatternName | None = None) -> Tokenizer:
    """Read a file of ranks, with its side file where there is one.

    Args:
        path: the ranks.
        pattern: how texts are split; None takes it from the side file.

    Raises:
        UserError: damaged, or the pattern is not said.
    """
    data = path.read_bytes()
    ranks = _parse(path, data)
    side = _read_side(path, data)
    name = pattern or side.get("pattern")
    if name not in PATTERNS:
        known = ", ".join(PATTERNS)
        raise UserError(
            f"{path} does not say how texts are split: name its pattern, one of {known}"
        )
    special_tokens: dict[str, int] = side.get("special_tokens", {})
    size = check_size(ranks.values(), special_tokens.values(), [side.get("n_vocab", 0)])
    model = BPE.from_ranks(ranks, name)
    return Tokenizer(model, special_tokens, side.get("n_vocab", size))


def check_ids_are_ranks(model: BPE, reader: str) -> None:
    """Check that the order of ids is the order of merges.

    Args:
        model: the vocabulary.
        reader: who needs it so, for the message.

    Raises:
        UserError: it is not, or a token is out of the merges' reach.
    """
    in_order = sorted(range(len(model.merges)), key=model.ranks.__getitem__)
    if any(model.made[a] > model.made[b] for a, b in pairwise(in_order)):
        raise UserError(
            f"{reader} takes ids for ranks, and this vocabulary's ids do not follow "
            "the order of its merges: export it to huggingface"
        )
    check_every_token_is_made(model, reader)


def check_every_token_is_made(model: BPE, reader: str) -> None:
    """Check that no token is left which only a reader of whole pieces would find.

    Raises:
        UserError: there is one.
    """
    if model.whole_pieces:
        return
    made = set(model.made)
    for index, token in enumerate(model.tokens):
        if len(token) > 1 and index not in made:
            raise UserError(
                f"{reader} would use token {index} ({token!r}), which no merge makes: "
                "export to huggingface"
            )


def _parse(path: Path, data: bytes) -> dict[bytes, int]:
    ranks: dict[bytes, int] = {}
    for number, line in enumerate(data.splitlines(), start=1):
        if not line:
            continue
        try:
            token, rank = line.split(b" ")
            ranks[b64decode(token, validate=True)] = int(rank)
        except ValueError:
            raise UserError(
                f"line {number} of {path} is no base64 token with its rank: the file "
                "is cut off, or not tiktoken's"
            ) from None
    return ranks


def _side_path(path: Path) -> Path:
    return path.with_name(path.name + ".json")


def _read_side(path: Path, data: bytes) -> dict[str, Any]:
    side_path = _side_path(path)
    if not side_path.exists():
        return {}
    side = read_json(side_path)
    if not isinstance(side, dict):
        raise UserError(f"{side_path} holds no JSON object")
    if side.get("sha256", sha256_bytes(data)) != sha256_bytes(data):
        raise UserError(
            f"{path} was edited or cut off: its hash is not the one in {side_path.name}"
        )
    return side
