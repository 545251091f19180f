"""The kinds of value that relations state, by name."""

from __future__ import annotations

from embedded.lexicon import DAYS, words
from embedded.phrases import advice, field, floor, origin, reason, sign, task, trouble
from embedded.values import (
    Maker,
    address,
    article,
    city,
    clock,
    company,
    count,
    country,
    date,
    digits,
    duration,
    invented,
    large_number,
    money,
    person,
    phone,
    team,
    thing,
    year,
)

VALUES: dict[str, Maker] = {
    "money": money,
    "weight": lambda r: f"{r.randint(1, 95)}{r.choice(['', '.5', '.2', '.8'])} {r.choice(['kg', 'grams', 'pounds'])}",
    "duration": duration,
    "color": lambda r: r.choice(
        [r.choice(words("colours")), f"{r.choice(words('colours'))} and {r.choice(words('colours'))}"]
    ),
    "hours": lambda r: f"{count(r, 60)} {r.choice(['hours', 'hours', 'minutes', 'days'])}",
    "company": company,
    "material": lambda r: r.choice(words("materials")),
    "date": date,
    "time": clock,
    "timerange": lambda r: f"{clock(r)} to {clock(r)}",
    "weekday": lambda r: r.choice(DAYS) + r.choice(["s", ""]),
    "address": address,
    "phone": phone,
    "email": lambda r: (
        f"{r.choice(['info', 'help', 'office', 'jobs'])}@{invented(r)}.{r.choice(['com', 'org', 'net'])}"
    ),
    "team": team,
    "person": person,
    "place": lambda r: r.choice([country, country, city])(r),
    "bignum": large_number,
    "year": year,
    "city": city,
    "bigmoney": lambda r: f"{r.choice(['$', '€', ''])}{r.randint(1, 900)} {r.choice(['million', 'billion'])}",
    "days": lambda r: f"{r.randint(3, 60)} days",
    "job": lambda r: r.choice(words("jobs")),
    "gerund": lambda r: r.choice(words("hobbies")),
    "room": lambda r: digits(r, r.choice([1, 2, 3])) + r.choice(["", "", "A", "B", "C"]),
    "meters": lambda r: f"{digits(r, r.choice([2, 3]))} {r.choice(['meters', 'metres', 'feet'])}",
    "country": country,
    "num": lambda r: digits(r, r.choice([2, 3])),
    "number": lambda r: r.choice(
        [digits(r, 2), digits(r, 3), f"{r.randint(1, 20)}.{r.randint(0, 9)}", large_number(r)]
    ),
    "dose": lambda r: f"{count(r)} {r.choice(['mg', 'tablets', 'drops', 'ml', 'grams', 'capsules'])}",
    "cond": trouble,
    "things": lambda r: article(thing(r)) + r.choice(["", f" and {article(thing(r))}"]),
    "clause": reason,
    "clause2": origin,
    "sign": sign,
    "imp": advice,
    "todo": task,
    "speed": lambda r: f"{digits(r, r.choice([2, 3]))} {r.choice(['km/h', 'mph'])}",
    "percent": lambda r: r.choice([f"{r.randint(0, 9)}.{r.randint(1, 9)}%", f"{r.randint(1, 60)} percent"]),
    "food": lambda r: r.choice([r.choice(words("foods")), invented(r)]),
    "food2": field,
    "language": lambda r: r.choice(words("languages")),
    "licence": lambda r: r.choice(words("licences")),
    "memory": lambda r: f"{r.choice([digits(r, 1), digits(r, 2), digits(r, 3)])} {r.choice(['MB', 'GB', 'kB'])}",
    "power": lambda r: (
        f"{r.choice([digits(r, 2), digits(r, 3), digits(r, 1) + '.5'])} {r.choice(['watts', 'kW', 'volts'])}"
    ),
    "who": lambda r: r.choice(words("groups")),
    "floor": floor,
}
