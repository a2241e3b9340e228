"""What is looked for, what counts as found, and what is then done."""

from typing import Literal

from pydantic import Field

from scratchlm.base.config import Config

Action = Literal["mask", "drop", "report"]


class DecontaminateConfig(Config):
    """Evaluation files and the rules; without files the step is switched off."""

    files: tuple[str, ...] = ()
    """Files and folders of evaluation items: jsonl, json, csv, tsv, parquet, txt,
    packed or not, and zip and tar of these."""
    action: Action = "mask"
    """What happens to a document with an item: `mask` cuts the words found and the
    rest of their sentence, `drop` leaves the document out, `report` only names it."""
    actions: dict[str, Action] = Field(default={})
    """The action by the name of the source, where it differs."""
    prompt_field: str | None = None
    """The field that holds the question; without it the first known name is taken
    (question, query, prompt, input, …)."""
    choices_field: str | None = None
    """The field that holds the choices, where its name is not a known one."""
    answer_field: str | None = None
    """The field that holds the answer, where its name is not a known one."""
    min_share: float = Field(default=0.5, gt=0, le=1)
    """Share of an item's 8-word sequences in one document from which it is found."""
    min_sequences: int = Field(default=3, ge=1)
    """Fewest 8-word sequences for that: one alone is met by chance."""
    answer_within_words: int = Field(default=50, ge=1)
    """How far an answer may stand from its question of fewer than 13 words."""
    min_item_words: int = Field(default=4, ge=1, le=12)
    """Questions of fewer words are not looked for as a whole: chance would do."""
    most_documents: int = Field(default=10, ge=1)
    """Sequences of words that stand in more documents are ignored as boilerplate."""
    most_items: int = Field(default=3, ge=1)
    """Sequences of words that more evaluation items share are ignored as well."""
    sentence_bytes: int = Field(default=400, ge=0)
    """Most bytes of the rest of a sentence that are cut on either side."""
    most_spans: int = Field(default=10, ge=1)
    """A document with more places to mask is dropped whole."""
    min_left_bytes: int = Field(default=200, ge=0)
    """A document of which masking would leave fewer bytes is dropped whole."""

    def action_for(self, source: str) -> Action:
        """The action on documents of a source."""
        return self.actions.get(source, self.action)
