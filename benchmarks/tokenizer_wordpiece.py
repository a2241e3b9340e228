"""WordPiece against Hugging Face's: words, ids, trained tokens.

SCRATCHLM_SHARED=… python benchmarks/tokenizer_wordpiece.py

1. Every code point is cut into words by both; those that differ are written down.
2. Ids over one vocabulary, on fuzz strings without those code points: BERT's form
   against transformers' `BertTokenizer`, the cased form against its own export.
3. The trained token set against `BertWordPieceTokenizer.train`, whose ids are others
   in each process: with our order of ties, and with the one that it happened to take.

`tokenizer_kinds.py` puts it beside BPE in a language model.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import tokenizers
import transformers
from tokenizers import BertWordPieceTokenizer

from fuzz_texts import fuzz_texts
from result import Result
from scratchlm.base.hashing import sha256_json
from scratchlm.tokenizer import Tokenizer, TokenizerConfig, train_tokenizer
from scratchlm.tokenizer.bert import (
    BERT_SPECIAL_TOKENS,
    UNKNOWN,
    BertSplit,
    join_bert_inputs,
)
from scratchlm.tokenizer.bert_tables import (
    DROPPED,
    MARK,
    PUNCTUATION,
    bert_tables,
)
from scratchlm.tokenizer.bpe import learn_merges_of_symbols
from scratchlm.tokenizer.counts import WordCounts
from scratchlm.tokenizer.huggingface import to_huggingface_json
from scratchlm.tokenizer.special import SPECIAL_TOKENS
from scratchlm.tokenizer.wordpiece_train import MergeOptions, train_bert
from tokenizer_peers import read_texts

N_FUZZ, SEED = 100_000, 20
N_PAIRS = 2_000
TEXT_BYTES = 8_000_000
VOCAB_SIZE, LIMIT_ALPHABET = 8192, 1000
OLD = unicodedata.ucd_3_2_0  # what was assigned in 2002, and as what

FORMS = {"lower": True, "cased": False}


def main() -> None:
    """Measure and write `results/tokenizer_wordpiece.json`."""
    argparse.ArgumentParser(description=__doc__).parse_args()
    texts = list(first_texts(TEXT_BYTES))
    work = {
        "fuzz": {"strings": N_FUZZ, "seed": SEED},
        "text": {
            "bytes": sum(len(text.encode()) for text in texts),
            "sha256": sha256_json(texts),
        },
        "vocab_size": VOCAB_SIZE,
        "limit_alphabet": LIMIT_ALPHABET,
    }
    result = Result("tokenizer_wordpiece", work)
    for name, lower in FORMS.items():
        differing = claim_code_points(result, name, lower)
        claim_ids(result, name, lower, differing, texts)
        claim_tokens(result, name, lower, differing, texts)
    claim_cased_form(result, texts)
    print(result.write(("numpy", "tokenizers", "transformers")))


def first_texts(n_bytes: int) -> Iterator[str]:
    """So much of the text, from its beginning."""
    for text in read_texts():
        yield text
        n_bytes -= len(text.encode())
        if n_bytes <= 0:
            return


def plain_fuzz() -> list[str]:
    """So many fuzz strings that name no control token: a name is one over there."""
    names = (*SPECIAL_TOKENS, *BERT_SPECIAL_TOKENS, UNKNOWN)
    drawn = fuzz_texts(2 * N_FUZZ, SEED)
    named = (text for text in drawn if not any(name in text for name in names))
    return list(islice(named, N_FUZZ))


# --- code points


def claim_code_points(result: Result, name: str, lower: bool) -> frozenset[str]:
    """Write down the characters that both class differently."""
    found = sorted(differing_points(lower))
    old = [c for c in found if OLD.category(c) == unicodedata.category(c) != "Cn"]
    result.runs.append(
        {
            "form": name,
            "differing_code_points": {
                "count": len(found),
                "because": count_reasons(found),
                "ranges": list(ranges(found)),
            },
        }
    )
    result.claim(f"{name}_differing_code_points", "<= 1000", len(found))
    result.claim(f"{name}_differing_old_code_points", "== 0", len(old))
    return frozenset(found)


def differing_points(lower: bool) -> Iterator[str]:
    """Characters that the library cuts otherwise, between letters or after one."""
    split = BertSplit(lower, lower)
    peer = tokenizers.Tokenizer(tokenizers.models.WordPiece({}, unk_token="?"))
    peer.normalizer = tokenizers.normalizers.BertNormalizer(lowercase=lower)
    peer.pre_tokenizer = tokenizers.pre_tokenizers.BertPreTokenizer()

    def differs(characters: Sequence[str]) -> bool:
        text = " ".join(f"x{c}y a{c}" for c in characters)
        words = peer.pre_tokenizer.pre_tokenize_str(peer.normalizer.normalize_str(text))
        return [word for word, _ in words] != split.split_words(text)

    every = [chr(c) for c in range(0x110000) if not 0xD800 <= c < 0xE000]
    for start in range(0, len(every), 64):
        block = every[start : start + 64]
        if differs(block):
            yield from (c for c in block if differs([c]))


def count_reasons(characters: Iterable[str]) -> dict[str, int]:
    """By what our table says of them."""
    words = {DROPPED: "control", MARK: "accent", PUNCTUATION: "punctuation"}
    counts: dict[str, int] = {}
    for character in characters:
        flags = bert_tables().flags[ord(character)]
        is_new = OLD.category(character) == "Cn"
        reason = words.get(flags, "case, decomposition or class")
        reason += ", assigned after Unicode 3.2" if is_new else ", class was changed"
        counts[reason] = counts.get(reason, 0) + 1
    return counts


def ranges(characters: Iterable[str]) -> Iterator[str]:
    """Sorted characters as hexadecimal ranges."""
    points = [ord(c) for c in characters]
    first = last = None
    for point in [*points, None]:
        if last is not None and point == last + 1:
            last = point
            continue
        if first is not None:
            yield f"{first:X}" if first == last else f"{first:X}-{last:X}"
        first = last = point


# --- ids


def claim_ids(
    result: Result,
    name: str,
    lower: bool,
    differing: frozenset[str],
    texts: Sequence[str],
) -> None:
    """Ids of fuzz strings, of real text, and of framed pairs."""
    ours = train_tokenizer(
        TokenizerConfig(
            kind="wordpiece",
            form="bert",
            lower=lower,
            vocab_size=VOCAB_SIZE,
            limit_alphabet=LIMIT_ALPHABET,
        ),
        texts,
    )
    peer = load_peer(ours, lower)
    remove = {ord(c): None for c in differing}
    raw = plain_fuzz()
    kept = [text.translate(remove) for text in raw]
    row = {
        "form": name,
        "strings": len(raw),
        "strings_with_differing_code_points": sum(map(str.__ne__, raw, kept)),
        "mismatches_without_them": count_mismatches(ours, peer, kept),
        "mismatches_with_them": count_mismatches(ours, peer, raw),
        "tokens": sum(map(len, ours.encode_batch(kept))),
    }
    result.runs.append(row)
    result.claim(f"{name}_fuzz_strings", ">= 100000", len(kept))
    missed = row["mismatches_without_them"]
    result.claim(f"{name}_id_mismatches_with_bert_tokenizer", "== 0", missed)
    real = [text.translate(remove) for text in texts]
    missed = count_mismatches(ours, peer, real)
    result.claim(f"{name}_text_mismatches_with_bert_tokenizer", "== 0", missed)
    missed = count_pair_mismatches(ours, peer, kept)
    result.claim(f"{name}_framed_pair_mismatches", "== 0", missed)


def load_peer(ours: Tokenizer, lower: bool) -> Any:
    """Transformers' BertTokenizer over our vocabulary."""
    names = [token or f"[unused{i}]" for i, token in enumerate(ours.model.tokens)]
    names += [f"[slot{i}]" for i in range(ours.n_unused)]
    names += list(ours.special_tokens)
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "vocab.txt").write_text("\n".join(names), encoding="utf-8")
        return transformers.BertTokenizer.from_pretrained(folder, do_lower_case=lower)


def count_mismatches(ours: Tokenizer, peer: Any, texts: Sequence[str]) -> int:
    """Texts that get other ids there."""
    missed = 0
    for start in range(0, len(texts), 1000):
        block = list(texts[start : start + 1000])
        theirs = peer(block, add_special_tokens=False)["input_ids"]
        missed += sum(map(list.__ne__, ours.encode_batch(block), theirs))
    return missed


def count_pair_mismatches(ours: Tokenizer, peer: Any, texts: Sequence[str]) -> int:
    """Pairs that get other ids or segments there."""
    first, second = list(texts[:N_PAIRS]), list(texts[::-1][:N_PAIRS])
    found = peer(first, second)
    cls, sep = ours.special_id("[CLS]"), ours.special_id("[SEP]")
    pairs = map(ours.encode_batch, (first, second))
    own = [join_bert_inputs(cls, sep, *pair) for pair in zip(*pairs, strict=True)]
    theirs = zip(found["input_ids"], found["token_type_ids"], strict=True)
    return sum(map(tuple.__ne__, own, theirs))


def claim_cased_form(result: Result, texts: Sequence[str]) -> None:
    """The form that keeps the text: its export's ids, and the text given back."""
    config = TokenizerConfig(kind="wordpiece", vocab_size=VOCAB_SIZE)
    ours = train_tokenizer(config, texts)
    peer = tokenizers.Tokenizer.from_str(json.dumps(to_huggingface_json(ours)))
    fuzz = plain_fuzz()
    ids = ours.encode_batch(fuzz)
    theirs = [encoding.ids for encoding in peer.encode_batch(fuzz)]
    result.claim("keeping_fuzz_strings", ">= 100000", len(fuzz))
    missed = sum(map(list.__ne__, ids, theirs))
    result.claim("keeping_id_mismatches_with_its_export", "== 0", missed)
    lost = sum(map(str.__ne__, ours.decode_batch(ids), fuzz))
    result.claim("keeping_texts_not_given_back", "== 0", lost)
    lost = sum(map(str.__ne__, peer.decode_batch(theirs), fuzz))
    result.claim("keeping_texts_not_given_back_by_its_export", "== 0", lost)
    plain = Tokenizer.in_own_layout(ours.model, VOCAB_SIZE, backend="specification")
    some = fuzz[:5000]
    missed = sum(map(list.__ne__, ids, map(plain.encode, some)))
    result.claim("keeping_id_mismatches_with_the_specification", "== 0", missed)


# --- tokens


def claim_tokens(
    result: Result,
    name: str,
    lower: bool,
    differing: frozenset[str],
    texts: Sequence[str],
) -> None:
    """The trained tokens against the library's."""
    remove = {ord(c): None for c in differing}
    real = [text.translate(remove) for text in texts]
    counts = WordCounts("bert", split=BertSplit(lower, lower).split_words)
    counts.add_texts(real)
    words = [(word.decode(), count) for word, count in counts.items()]
    theirs = train_peer(real, lower)
    options = MergeOptions(len(theirs) + 1)
    ours = train_bert(
        counts.items(), options, lower=lower, limit_alphabet=LIMIT_ALPHABET
    )
    own = set(ours.tokens[1:])
    same_ties = learn_in_their_order(theirs, words)
    result.runs.append(
        {
            "form": name,
            "words": len(words),
            "tokens": len(theirs),
            "only_ours": sorted(own - set(theirs))[:50],
            "only_theirs": sorted(set(theirs) - own)[:50],
            "differing_by_ties": len(own ^ set(theirs)) // 2,
            "differing_in_their_order_of_ties": len(set(same_ties) ^ set(theirs)),
        }
    )
    missed = len(set(same_ties) ^ set(theirs))
    result.claim(f"{name}_trained_tokens_that_differ_but_for_ties", "== 0", missed)
    places = sum(map(str.__ne__, same_ties, theirs))
    result.claim(f"{name}_trained_tokens_in_another_place_but_for_ties", "== 0", places)


def train_peer(texts: Sequence[str], lower: bool) -> list[str]:
    """The library's tokens without its control tokens, in the order of its ids."""
    peer = BertWordPieceTokenizer(lowercase=lower)
    peer.train_from_iterator(
        texts,
        VOCAB_SIZE,
        min_frequency=2,
        limit_alphabet=LIMIT_ALPHABET,
        show_progress=False,
    )
    vocabulary = peer.get_vocab()
    return sorted(vocabulary, key=vocabulary.__getitem__)[5:]


def learn_in_their_order(
    theirs: Sequence[str], words: Iterable[tuple[str, int]]
) -> list[str]:
    """Our trainer with the numbers that the library gave to the units."""
    units = [token for token in theirs if is_unit(token)]
    numbers = {unit: number for number, unit in enumerate(units)}
    symbols = [([*unit_numbers(word, numbers)], count) for word, count in words]
    tokens = list(units)
    lengths, n_merges = [1] * len(units), len(theirs) - len(units)
    for left, right in learn_merges_of_symbols(symbols, n_merges, lengths=lengths):
        tokens.append(tokens[left] + tokens[right].removeprefix("##"))
    return tokens


def is_unit(token: str) -> bool:
    """One character, beginning or continuing a word."""
    return len(token) == 1 or (len(token) == 3 and token.startswith("##"))


def unit_numbers(word: str, numbers: dict[str, int]) -> Iterator[int]:
    """The units of a word, without characters that are outside of the alphabet."""
    for at, character in enumerate(word):
        if character in numbers:
            yield numbers["##" * (at > 0) + character]


if __name__ == "__main__":
    main()
