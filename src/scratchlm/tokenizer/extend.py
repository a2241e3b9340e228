"""The merges of a tokenizer as a beginning: train more on top of them.

    merges = merges_to_extend(Tokenizer.load(path))
    train_from_counts(config, counts, initial_merges=merges)

Ids become ours: 0 to 255 the bytes, then the old merges in their order, then the new.
"""

from scratchlm.base.errors import UserError
from scratchlm.tokenizer.bpe import Merge
from scratchlm.tokenizer.tokenizer import Tokenizer


def merges_to_extend(tokenizer: Tokenizer) -> tuple[Merge, ...]:
    """The merges, in order, in the numbering of our own layout.

    Raises:
        UserError: a vocabulary without an order of merges, each making its own token:
            WordPiece, or ranks without merges (tiktoken).
    """
    model = tokenizer.bpe
    in_order = sorted(range(len(model.merges)), key=model.ranks.__getitem__)
    ours = {token: byte for byte, token in enumerate(model.byte_ids)}
    merges: list[Merge] = []
    for index in in_order:
        (left, right), made = model.merges[index], model.made[index]
        if made in ours or left not in ours or right not in ours:
            raise UserError(
                f"this vocabulary makes {tokenizer.token_bytes(made)!r} in several "
                "ways, or out of order, so that it cannot be extended: give one that "
                "was trained by merges"
            )
        ours[made] = 256 + len(merges)
        merges.append((ours[left], ours[right]))
    return tuple(merges)
