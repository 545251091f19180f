"""Values as people write them in ordinary prose: numbers in words, times of the day, measures."""

from __future__ import annotations

import random

from embedded.kinds import VALUES
from embedded.lexicon import DAYS, FIRST_NAMES, LAST_NAMES, MONTHS, SMALL_NUMBERS, words
from embedded.values import (
    Maker,
    address,
    city,
    company,
    country,
    date,
    digits,
    invented_name,
    large_number,
    money,
    person,
    phone,
    team,
    year,
)

Rng = random.Random
_UNITS = "one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen".split()
_UNITS += "seventeen eighteen nineteen".split()
_TENS = "twenty thirty forty fifty sixty seventy eighty ninety".split()
ORDINALS = "first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth".split()
_HOURS = _UNITS[:12]
_PARTS = ["in the morning", "in the evening", "at night", "in the afternoon", "", "", ""]


def spelled(number: int) -> str:
    """A number from 1 to 99 in words."""
    if number < 20:
        return _UNITS[number - 1]
    tens, unit = divmod(number, 10)
    return _TENS[tens - 2] + (f"-{_UNITS[unit - 1]}" if unit else "")


def number(r: Rng, highest: int = 90) -> str:
    """Two to `highest`, in words or digits."""
    if r.random() < 0.3:
        return r.choice(SMALL_NUMBERS)
    drawn = r.randint(2, highest) if r.random() < 0.6 else 10 * r.randint(1, max(1, highest // 10))
    return spelled(drawn) if r.random() < 0.5 and drawn < 100 else str(drawn)


def many(r: Rng) -> str:
    """A number from a hundred up, in words or digits."""
    if r.random() < 0.4:
        return f"{r.choice(['a', *SMALL_NUMBERS])} {r.choice(['hundred', 'thousand'])}"
    return large_number(r)


def _measure(*units: str) -> Maker:
    return lambda r: f"{number(r)} {r.choice(units)}"


def _long(one: str, *others: str) -> Maker:
    """A length of time in one unit, now and then as a phrase."""
    return lambda r: r.choice(others) if others and r.random() < 0.2 else f"{number(r, 60)} {one}"


def time_of_day(r: Rng) -> str:
    hour = r.choice(_HOURS)
    part = r.choice(_PARTS)
    return r.choice(
        [
            f"{hour} {part}".strip(),
            f"half past {hour}",
            f"a quarter {r.choice(['past', 'to'])} {hour}",
            f"{r.randint(1, 12)}:{r.choice(['00', '15', '30', '45'])}",
            f"{r.randint(1, 12)} {r.choice(['am', 'pm'])}",
            f"{r.randint(6, 23)}:{r.choice(['00', '10', '20', '30', '40', '50'])}",
            r.choice(["noon", "midnight", f"{hour} o'clock"]),
        ]
    )


def sum_of_money(r: Rng) -> str:
    if r.random() < 0.6:
        return money(r)
    return f"{number(r)} {r.choice(['euros', 'dollars', 'pounds', 'francs', 'cents', 'crowns'])}"


def somebody(r: Rng) -> str:
    return r.choice(FIRST_NAMES) if r.random() < 0.35 else person(r)


AMOUNTS: dict[str, Maker] = {
    "minutes": _long("minutes", "half an hour", "a quarter of an hour"),
    "hours": _long("hours", "an hour", "half a day", "an hour and a half"),
    "days": _long("days", "a day", "a whole day"),
    "weeks": _long("weeks", "a week", "a fortnight"),
    "months": _long("months", "a month", "half a year"),
    "years": _long("years", "a year", "a decade"),
    "count": number,
    "bigcount": many,
    "temperature": lambda r: f"{r.choice(['', '', 'minus '])}{number(r, 300)} degrees",
    "percent": lambda r: (
        f"{r.choice([number(r), f'{r.randint(1, 20)}.{r.randint(1, 9)}'])} {r.choice(['percent', 'per cent'])}"
    ),
    "money": sum_of_money,
    "distance": _measure("kilometres", "kilometers", "miles", "metres"),
    "height": _measure("metres", "meters", "feet", "centimetres"),
    "weight": _measure("kilos", "kg", "grams", "tons", "pounds"),
    "amount": lambda r: r.choice(
        [f"{number(r, 20)} {r.choice(['spoons', 'litres', 'cups', 'drops'])}", "a cup", "a pinch"]
    ),
    "year": year,
    "century": lambda r: (
        f"the {r.choice([*ORDINALS[8:], 'thirteenth', 'fifteenth', 'seventeenth', 'nineteenth'])} century"
    ),
    "date": date,
    "month": lambda r: r.choice(MONTHS),
    "weekday": lambda r: r.choice(DAYS),
    "time": time_of_day,
    "person": somebody,
    "firstname": lambda r: r.choice(FIRST_NAMES),
    "surname": lambda r: r.choice(LAST_NAMES) if r.random() < 0.5 else invented_name(r),
    "city": city,
    "country": country,
    "company": company,
    "team": team,
    "street": address,
    "phone": phone,
    "email": VALUES["email"],
    "room": VALUES["room"],
    "color": lambda r: r.choice(words("colours")),
    "code": lambda r: r.choice("ABCDEFKLMNPRSTX") + digits(r, r.choice([1, 2, 2, 3])),
    "version": lambda r: f"{r.randint(1, 12)}.{r.randint(0, 9)}",
    "age": lambda r: number(r, 95),
    "ordinal": lambda r: r.choice(ORDINALS),
}
