"""`scratchlm train`: pretrain again, on a run's data, with other settings."""

from scratchlm.cli.stage_verb import stage_command

command = stage_command(
    "train",
    "train",
    "Pretrain a model on the data of RUN, with its recipe and your KEY=VALUE, "
    "into a folder of its own. Ctrl-C and run again: it continues.",
    resumes=True,
)
