"""Write a tokenizer for other programs, and prove each form before it is kept.

directory/huggingface/   tokenizer.json · tokenizer_config.json · chat_template.jinja
directory/tiktoken/      tokenizer.tiktoken · tokenizer.tiktoken.json
directory/gguf/          tokenizer.gguf (a vocabulary without weights)
each with verification.json
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, get_args

from scratchlm.base.atomic import atomic_directory
from scratchlm.base.errors import UserError
from scratchlm.tokenizer.chat_templates import TemplateName, find_template
from scratchlm.tokenizer.gguf_values import VOCABULARY_FILE, write_gguf_vocabulary
from scratchlm.tokenizer.huggingface import (
    CONFIG_FILE,
    TEMPLATE_FILE,
    TOKENIZER_FILE,
    write_huggingface,
)
from scratchlm.tokenizer.tiktoken_file import RANKS_FILE, write_tiktoken
from scratchlm.tokenizer.tokenizer import Tokenizer
from scratchlm.tokenizer.verify import REPORT_FILE, Format, check_report, verify_export

FORMATS: tuple[Format, ...] = get_args(Format)

_FILES = {
    *(TOKENIZER_FILE, CONFIG_FILE, TEMPLATE_FILE, RANKS_FILE, f"{RANKS_FILE}.json"),
    *(VOCABULARY_FILE, REPORT_FILE),
}


def export_tokenizer(
    tokenizer: Tokenizer,
    directory: Path,
    formats: Sequence[Format],
    *,
    template: TemplateName | None = None,
    context_length: int | None = None,
    n_strings: int = 2000,
) -> dict[Format, dict[str, Any]]:
    """Write a tokenizer in other forms, each in a folder of its name.

    Args:
        tokenizer: what to write.
        directory: receives the folders; older exports there are replaced.
        formats: which forms.
        template: chat template; None takes the first that the vocabulary can write.
        context_length: tokens that the model can read, for Hugging Face's form.
        n_strings: strings that are compared with the files read back.

    Returns:
        The report of each form (`verify_export`).

    Raises:
        UserError: a form cannot hold this vocabulary, a folder holds something else,
            or the ids read back are others; what stood there before is kept.
    """
    unknown = [name for name in formats if name not in FORMATS]
    if unknown:
        raise UserError(f"no form {unknown[0]!r}; known: {', '.join(FORMATS)}")
    if template is not None:
        find_template(template, tokenizer.special_tokens)
    reports = {}
    for format in formats:
        target = directory / format
        _check_replaceable(target)
        with atomic_directory(target) as temporary:
            _write(format, tokenizer, template, context_length)(temporary)
            report = verify_export(
                tokenizer, temporary, format, n_strings, template=template
            )
            check_report(report)
        reports[format] = report
    return reports


def _write(
    format: Format,
    tokenizer: Tokenizer,
    template: TemplateName | None,
    context_length: int | None,
) -> Callable[[Path], None]:
    writers: dict[Format, Callable[[Path], None]] = {
        "huggingface": lambda directory: write_huggingface(
            tokenizer, directory, context_length, template
        ),
        "tiktoken": lambda directory: write_tiktoken(tokenizer, directory),
        "gguf": lambda directory: write_gguf_vocabulary(tokenizer, directory, template),
    }
    return writers[format]


def _check_replaceable(target: Path) -> None:
    others = (
        sorted(path.name for path in target.iterdir() if path.name not in _FILES)
        if target.is_dir()
        else []
    )
    if others:
        raise UserError(
            f"{target} holds {others[0]}, which is no export of a tokenizer: choose "
            "another folder, or move that away"
        )
