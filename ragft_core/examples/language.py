"""A text becomes the name of its language, told by script and smallest words; empty when it cannot be told."""

import unicodedata
from collections import Counter

from .rows import WORD

SCRIPTS = {
    "CYRILLIC": "Cyrillic letters",
    "GREEK": "Greek",
    "ARABIC": "Arabic letters",
    "HEBREW": "Hebrew",
    "DEVANAGARI": "Devanagari letters",
    "HANGUL": "Korean",
    "HIRAGANA": "Japanese",
    "KATAKANA": "Japanese",
    "CJK": "Chinese characters",
    "THAI": "Thai",
}
SMALL_WORDS = {
    "English": "the and is are was of to in what how when where you can do does at for with on it not be this that who",
    "German": "der die das und ist sind war von zu wie wann wo sie kann ich ein eine nicht mit auf für es im den wir",
    "French": "le la les et est sont de du des un une que qui où comment quand vous je ne pas pour dans avec sur au il",
    "Spanish": "el la los las y es son de del un una que quién dónde cómo cuándo usted yo no por para en con su al se",
    "Italian": "il lo la gli e è sono di del un una che chi dove come quando lei io non per in con su al della nel si",
    "Portuguese": "o a os as e é são de do da um uma que quem onde como quando você eu não por para em com no na se",
    "Dutch": "de het een en is zijn van te wat hoe wanneer waar u kan ik niet met op voor in dat die er aan bij",
}
WORDS = {name: frozenset(words.split()) for name, words in SMALL_WORDS.items()}


def language(text: str) -> str:
    """The language (or script) of a text; empty for a short or undecided one."""
    letters = [letter for letter in text if letter.isalpha()]
    scripts = Counter(unicodedata.name(letter, "?").split()[0].split("-")[0] for letter in letters[:2000])
    script, count = scripts.most_common(1)[0] if scripts else ("", 0)
    if script in SCRIPTS and count * 2 > sum(scripts.values()):
        return SCRIPTS[script]
    words = WORD.findall(text.casefold())
    hits = {name: sum(word in small for word in words) for name, small in WORDS.items()}
    (best, most), (_, second) = Counter(hits).most_common(2)
    enough = most >= 3 and most >= len(words) * 0.15
    return best if enough and most >= second * 1.5 + 1 else ""
