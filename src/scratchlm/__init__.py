"""ScratchLM: build a large language model from scratch, from raw text to a chat model.

The rooms, in the order in which data flows through them:
corpus, tokenizer, data, model, generate, train, evaluate, finetune, align, quantize,
export, serve, and plan beside them. `pipeline` walks the whole way, `cli` is the door.
"""

__version__ = "0.1.0"
