"""A text becomes its sentences, by marks and a short list of abbreviations: any language, nothing to download or load.

LlamaIndex's own way, NLTK's Punkt, takes seconds to import and ends a sentence at "Dr.".
"""

import re

ABBREVIATIONS = frozenset(
    """al approx ca cf ch dept dr e.g ed eds eq esp est etc fig figs gen gov hon i.e inc jr lt ltd mr mrs ms mt nos
    nr op p pp prof rev sec sen sgt sr st tel univ vol vols vs z.b""".split()
)
# A Western mark ends a sentence when space follows; an East Asian one does by itself; so does an empty line.
END = re.compile(r"""(?:[.!?…]+["'”’»)\]]*(?=\s)|[。！？｡]+[」』”’）]*|\n\s*\n)\s*""")
LAST_WORD = re.compile(r"[\w.]+\Z")


def sentences(text: str) -> list[str]:
    """The sentences, each with the space behind it: joined they are the text again."""
    found, start = [], 0
    for end in END.finditer(text):
        if text[end.start()] == "." and _abbreviated(text[max(start, end.start() - 20) : end.start()], text, end.end()):
            continue
        found.append(text[start : end.end()])
        start = end.end()
    return [*found, text[start:]] if start < len(text) else found


def _abbreviated(before: str, text: str, following: int) -> bool:
    """Whether a full stop belongs to the word before it: an abbreviation, an initial, or a small letter follows."""
    word = LAST_WORD.search(before)
    if word is None:
        return False
    if word[0].casefold() in ABBREVIATIONS or (len(word[0]) == 1 and word[0].isupper()):
        return True
    return text[following : following + 1].islower()
