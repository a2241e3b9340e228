"""Forms of question about documented objects."""

from scratchlm.corpus.questions import FORMS, ask_about, signature_items
from scratchlm.corpus.signatures import read_signatures

SOURCE = '''
"""Copy and move files."""

def copy(src, dst=None):
    """Copy one file to another."""

class Copier(object):
    """Copies many files at once."""
    def run(self):
        """Start to copy the files."""
    @property
    def done(self):
        """Whether all files are copied."""
'''


def ask(name):
    signatures = {s.name: s for s in read_signatures("files", SOURCE)}
    return ask_about(signatures[name])


def test_every_object_is_asked_about_in_every_form():
    items = signature_items(read_signatures("files", SOURCE))
    assert len(items) == 5
    for item in items:
        assert tuple(item.prompts) == FORMS
        assert len(set(item.prompts.values())) == len(FORMS)
        assert item.group == item.topic == "files"


def test_questions_read_as_people_and_as_source_write_them():
    assert ask("copy") == {
        "what": "What does `files.copy(src, dst=None)` do?",
        "explain": "Explain the function `copy(src, dst=None)` of `files`.",
        "document": "Document this function of `files`:\n\ndef copy(src, dst=None):",
        "docstring": "Write the docstring of this function of `files`:\n\n"
        'def copy(src, dst=None):\n    """',
    }
    assert ask("Copier")["what"] == "What is the class `files.Copier(object)` for?"
    assert ask("Copier.done")["what"] == "What is the property `files.Copier.done`?"
    assert ask("")["what"] == "What is the module `files` for?"


def test_the_quotes_of_a_docstring_stand_inside_the_definition():
    assert ask("Copier.run")["docstring"].endswith(
        'class Copier:\n    def run(self):\n        """'
    )
    assert ask("")["docstring"].endswith('# files\n"""')


def test_no_question_holds_its_answer():
    for item in signature_items(read_signatures("files", SOURCE)):
        assert all(item.answer not in prompt for prompt in item.prompts.values())
