"""A planted item and a document that quotes it: found by every build, or it stops.

Their words occur in no text, so that they change no count; they are left out of all
reports.
"""

from scratchlm.corpus.decontaminate.item_fields import Item
from scratchlm.corpus.document import Document

_WORDS = """Xoquarf blentish wumpadil zervock tranflib quopsen yindrask vulpadorn
    kresmify ottobrunt jaxwilder plimgorse snarfettle duvrekin aglompher brixtewd
    corvaning efflumpt grusknell hapvondry"""
TASK = "scratchlm canary"
CANARY_ITEM = Item(TASK, "planted", (f"{' '.join(_WORDS.split())}?",))


def canary_document() -> Document:
    """A text in which the planted item stands, in capitals and over two lines."""
    first, second = " ".join(_WORDS.split()[:9]), " ".join(_WORDS.split()[9:])
    leak = f"{first.upper()}\n    {second.upper()}."
    text = f"A planted document. {leak} Nobody shall ever read the rest of it.\n"
    return Document("canary/evaluation-item", text, "canary")
