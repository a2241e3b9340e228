"""`scratchlm align`: preference alignment on a run's pairs."""

from scratchlm.cli.stage_verb import stage_command

command = stage_command(
    "align",
    "align",
    "Teach a chat model what is preferred (DPO), on the pairs of RUN, with its "
    "recipe and your KEY=VALUE, into a folder of its own.",
    model_from="finetune",
    resumes=True,
)
