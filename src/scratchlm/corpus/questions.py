"""The forms of question about a documented object of a Python module.

Every form shows the signature, because that is what pretraining has read beside the
docstring. Two ask as people do (`what`, `explain`); two show source lines
(`document`, `docstring`), the last up to the quotes that open the docstring.
"""

from collections.abc import Sequence

from scratchlm.corpus.chat_items import Item
from scratchlm.corpus.signatures import ObjectKind, Signature

FORMS = ("what", "explain", "document", "docstring")

_WHAT: dict[ObjectKind, str] = {
    "module": "What is the module `{call}` for?",
    "class": "What is the class `{module}.{call}` for?",
    "function": "What does `{module}.{call}` do?",
    "method": "What does `{module}.{call}` do?",
    "property": "What is the property `{module}.{call}`?",
}


def signature_items(signatures: Sequence[Signature]) -> list[Item]:
    """Make what can be asked about each signature."""
    return [
        Item(
            about=signature.dotted,
            group=signature.module,
            topic=signature.module.split(".")[0].strip("_"),
            answer=signature.summary,
            prompts=ask_about(signature),
        )
        for signature in signatures
    ]


def ask_about(signature: Signature) -> dict[str, str]:
    """Ask for the summary of one object in every form.

    Example: `What does `shutil.copymode(src, dst)` do?`
    """
    kind, module = signature.kind, signature.module
    of_module = "" if kind == "module" else f" of `{module}`"
    indent = " " * (len(_last_line(signature)) - len(_last_line(signature).lstrip()))
    body = f"{signature.code}\n{indent}    " if kind != "module" else f"# {module}\n"
    return {
        "what": _WHAT[kind].format(module=module, call=signature.call),
        "explain": f"Explain the {kind} `{signature.call}`{of_module}.",
        "document": f"Document this {kind}{of_module}:\n\n{signature.code}",
        "docstring": f'Write the docstring of this {kind}{of_module}:\n\n{body}"""',
    }


def _last_line(signature: Signature) -> str:
    return signature.code.rsplit("\n", 1)[-1]
