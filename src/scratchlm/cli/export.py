"""`scratchlm export`: other programs' formats."""

from scratchlm.cli.stage_verb import stage_command

command = stage_command(
    "export",
    "export",
    "Write the chat model of RUN for others: a Hugging Face folder, GGUF, our own "
    "safetensors. A format that cannot hold it is refused in one line.",
    model_from="align",
)
