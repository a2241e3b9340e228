"""A vocabulary of byte-level BPE: its tokens, its merges, how texts are split.

Our own has ids 0 to 255 for the bytes and 256 + i for what merge i makes. An imported
one has its own ids; a rank file (tiktoken) names no merges, so that every pair of
tokens that joins to a token may merge, in the order of the ids.
"""

from base64 import b64decode, b64encode
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

from scratchlm.base.errors import UserError
from scratchlm.tokenizer.bpe import Merge
from scratchlm.tokenizer.bpe_encoding import apply_merges
from scratchlm.tokenizer.native_encoder import NativeLayout
from scratchlm.tokenizer.pattern import PatternName, split_text
from scratchlm.tokenizer.scanner import scan_pieces


@dataclass(frozen=True)
class BPE:
    """Everything that decides which ids a piece of text gets."""

    merges: tuple[Merge, ...]
    """Pairs of ids that merge."""
    pattern: PatternName
    """How texts are split into pieces; no merge crosses a border."""
    tokens: tuple[bytes, ...]
    """Bytes of each id; b"" for ids that no text gets."""
    made: tuple[int, ...]
    """The id that each merge makes."""
    ranks: tuple[int, ...]
    """The rank of each merge: the lowest first, of equal ones the leftmost."""
    whole_pieces: bool = False
    """A piece that is itself a token becomes that token, whatever the merges say."""

    kind: ClassVar[str] = "bpe"

    @classmethod
    def own(cls, merges: Iterable[Merge], pattern: PatternName = "llama3") -> "BPE":
        """Our own layout: merge i makes id 256 + i.

        Raises:
            UserError: a merge of ids that do not exist yet.
        """
        pairs = tuple((int(left), int(right)) for left, right in merges)
        made = tuple(range(256, 256 + len(pairs)))
        return cls(pairs, pattern, tuple(_join(pairs)), made, ranks=made)

    @classmethod
    def from_ranks(cls, ranks: Mapping[bytes, int], pattern: PatternName) -> "BPE":
        """A rank file's vocabulary: token -> id, which is its rank (tiktoken).

        Raises:
            UserError: a byte has no token, or an id is given twice.
        """
        tokens = _table(ranks)
        splits = [
            ((ranks[token[:at]], ranks[token[at:]]), token_id)
            for token, token_id in sorted(ranks.items(), key=lambda item: item[1])
            for at in range(1, len(token))
            if token[:at] in ranks and token[at:] in ranks
        ]
        made = tuple(token_id for _, token_id in splits)
        pairs = tuple(pair for pair, _ in splits)
        return cls(pairs, pattern, tokens, made, ranks=made, whole_pieces=True)

    @classmethod
    def from_merges(
        cls,
        ids: Mapping[bytes, int],
        merges: Sequence[tuple[bytes, bytes]],
        pattern: PatternName,
        whole_pieces: bool = False,
    ) -> "BPE":
        """A foreign vocabulary with its list of merges, in order of rank.

        Args:
            ids: token -> id.
            merges: left and right bytes.
            pattern: how texts are split.
            whole_pieces: a piece that is a token is never built by merges.

        Raises:
            UserError: a byte without a token, or a merge of or into no token.
        """
        tokens = _table(ids)
        for left, right in merges:
            if not (left in ids and right in ids and left + right in ids):
                raise UserError(
                    f"the merge of {left!r} and {right!r} needs or makes a token that "
                    "the vocabulary does not hold: its file is damaged"
                )
        return cls(
            merges=tuple((ids[left], ids[right]) for left, right in merges),
            pattern=pattern,
            tokens=tokens,
            made=tuple(ids[left + right] for left, right in merges),
            ranks=tuple(range(len(merges))),
            whole_pieces=whole_pieces,
        )

    @property
    def is_own(self) -> bool:
        """Whether the ids have our own layout."""
        return self.ranks == tuple(range(256, 256 + len(self.merges))) == self.made

    def split(self, text: str) -> list[str]:
        """Cut a text into the pieces that are encoded one by one."""
        return split_text(self.pattern, text)

    def scan(self, text: str) -> list[str]:
        """The same by the specification of splitting."""
        return scan_pieces(self.pattern, text)

    def encode_piece(self, piece: bytes) -> list[int]:
        """Ids of one piece: the specification of encoding."""
        if self.whole_pieces and (whole := self._ids.get(piece)) is not None:
            return [whole]
        symbols = [self.byte_ids[byte] for byte in piece]
        return apply_merges(symbols, self._rank_of, self._made_of)

    def tokens_as_bytes(self) -> tuple[bytes, ...]:
        """Bytes that each id stands for in a decoded text."""
        return self.tokens

    def decode(self, ids: Iterable[int]) -> bytes:
        """Bytes of a sequence of ids."""
        return b"".join(map(self.tokens.__getitem__, ids))

    @property
    def summary(self) -> str:
        """The vocabulary in a few words."""
        return f"byte-level BPE, {len(self.merges):,} merges"

    def native_layout(self) -> NativeLayout:
        """The vocabulary as the C core takes it."""
        return NativeLayout(
            pattern=self.pattern,
            tokens=self.tokens,
            whole_pieces=self.whole_pieces,
            byte_ids=self.byte_ids,
            merges=self.merges,
            ranks=self.ranks,
            made=self.made,
        )

    def describe(self) -> dict[str, Any]:
        """The vocabulary as a JSON value."""
        merges = [list(merge) for merge in self.merges]
        if self.is_own:
            return {"pattern": self.pattern, "merges": merges}
        return {
            "pattern": self.pattern,
            "merges": merges,
            "made": list(self.made),
            "ranks": list(self.ranks),
            "whole_pieces": self.whole_pieces,
            "tokens": [b64encode(token).decode() for token in self.tokens],
        }

    @classmethod
    def from_description(cls, value: Mapping[str, Any]) -> "BPE":
        """What `describe` wrote."""
        merges = tuple((left, right) for left, right in value["merges"])
        if "tokens" not in value:
            return cls.own(merges, value["pattern"])
        return cls(
            merges=merges,
            pattern=value["pattern"],
            tokens=tuple(b64decode(token) for token in value["tokens"]),
            made=tuple(value["made"]),
            ranks=tuple(value["ranks"]),
            whole_pieces=value["whole_pieces"],
        )

    @cached_property
    def byte_ids(self) -> tuple[int, ...]:
        """The id of each of the 256 bytes."""
        return tuple(self._ids[bytes([byte])] for byte in range(256))

    @cached_property
    def _ids(self) -> dict[bytes, int]:
        return {token: index for index, token in enumerate(self.tokens) if token}

    @cached_property
    def _rank_of(self) -> dict[Merge, int]:
        return dict(zip(self.merges, self.ranks, strict=True))

    @cached_property
    def _made_of(self) -> dict[int, int] | None:
        if self.ranks == self.made:
            return None
        return dict(zip(self.ranks, self.made, strict=True))


def _join(merges: Sequence[Merge]) -> Iterator[bytes]:
    table = [bytes([value]) for value in range(256)]
    yield from table
    for left, right in merges:
        if not (0 <= left < len(table) and 0 <= right < len(table)):
            raise UserError(
                f"merge {len(table) - 256} joins ids {left} and {right}, of which one "
                "does not exist yet: these merges are in the wrong order"
            )
        table.append(table[left] + table[right])
        yield table[-1]


def _table(ids: Mapping[bytes, int]) -> tuple[bytes, ...]:
    missing = [byte for byte in range(256) if bytes([byte]) not in ids]
    if missing:
        raise UserError(
            f"the vocabulary has no token for {len(missing)} of the 256 bytes (the "
            f"first is 0x{missing[0]:02X}): it is not byte-level BPE"
        )
    if len(set(ids.values())) != len(ids) or min(ids.values()) < 0:
        raise UserError("two tokens of the vocabulary have the same id, or one below 0")
    table = [b""] * (1 + max(ids.values()))
    for token, token_id in ids.items():
        table[token_id] = token
    return tuple(table)
