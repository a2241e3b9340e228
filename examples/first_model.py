"""The whole way in one page: text → tokenizer → shards → model → text again.

python examples/first_model.py

The text is this Python's own help on one topic after the other; ten seconds of one core
give a model that has learned how such pages look, and nothing more.
"""

import pydoc_data.topics
import tempfile
from pathlib import Path

from scratchlm.base.machine import MachineConfig
from scratchlm.data import DataConfig, build_shards
from scratchlm.evaluate.bits_per_byte import bits_per_byte
from scratchlm.generate import Sampling, generate
from scratchlm.model import ModelConfig, load_model
from scratchlm.tokenizer import Tokenizer, TokenizerConfig, train_tokenizer
from scratchlm.train import TrainConfig, pretrain

STEPS = 80
PROMPT = "The **if** statement"


def main() -> None:
    """Train a small model and let it speak."""
    topics = pydoc_data.topics.topics
    texts = [topics[name] for name in sorted(topics)]
    heldout, train = texts[::20], [t for i, t in enumerate(texts) if i % 20]

    tokenizer = train_tokenizer(TokenizerConfig(vocab_size=512), train)
    words = tokenizer.encode(PROMPT)
    print(f"{PROMPT!r} is {len(words)} tokens: {words}")

    with tempfile.TemporaryDirectory() as folder:
        data, run = Path(folder) / "data", Path(folder) / "train"
        splits = {"train": train, "heldout": heldout}
        build_shards(DataConfig(), splits, tokenizer, data)
        model = load_model(pretrain(training(), shape(tokenizer), data, run, machine()))

    found = bits_per_byte(model, tokenizer, heldout[:1], 128, 64)
    print(f"{model.config.n_parameters:,} parameters, {STEPS} steps")
    print(f"bits per byte of a page that it never saw: {found.value:.2f} (8 = no idea)")

    sampling = Sampling(temperature=0.7, top_p=0.9, seed=1)
    [answer] = generate(model, [words], 60, (tokenizer.endoftext_id,), sampling)
    print(PROMPT + tokenizer.decode(answer.ids))


def shape(tokenizer: Tokenizer) -> ModelConfig:
    """Qwen3's block, two layers of it."""
    return ModelConfig(
        vocab_size=tokenizer.vocab_size,
        context_length=128,
        n_layers=2,
        n_heads=4,
        n_kv_heads=2,
        d_model=96,
        d_ff=256,
    )


def training() -> TrainConfig:
    """A thousand tokens a step; Muon for the matrices."""
    return TrainConfig(
        total_steps=STEPS,
        batch_size=8,
        micro_batch_size=8,
        context_length=128,
        warmup_steps=10,
        decay_steps=STEPS // 2,
    )


def machine() -> MachineConfig:
    """One thread is enough."""
    return MachineConfig(threads=1)


if __name__ == "__main__":
    main()
