"""`scratchlm finetune`: supervised fine-tuning on a run's conversations."""

from scratchlm.cli.stage_verb import stage_command

command = stage_command(
    "finetune",
    "finetune",
    "Teach a pretrained model to answer, on the conversations of RUN, with its "
    "recipe and your KEY=VALUE, into a folder of its own.",
    model_from="train",
    resumes=True,
)
