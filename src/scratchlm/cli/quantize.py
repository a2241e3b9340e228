"""`scratchlm quantize`: fewer bits a weight."""

from scratchlm.cli.stage_verb import stage_command

command = stage_command(
    "quantize",
    "quantize",
    "Shrink the chat model of RUN, calibrated on its text, into a folder of its own.",
    model_from="align",
)
