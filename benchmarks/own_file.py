"""A user's own short text file: index it, ask twenty questions, print every answer word for word.

`python -m benchmarks.own_file` uses the settings' model (RAGFT_MODEL names another) and a home folder of its own.
"""

import tempfile
from pathlib import Path

from embedded.answering import has_value, refused
from ragft_core import Settings, Studio

FILE = Path(__file__).with_name("garden.txt")
# Question and what a right answer contains; nothing in the file answers the last one.
QUESTIONS = {
    "Where does the garden lie?": "brewery",
    "How many plots does the garden have?": "48",
    "How much does a plot cost?": "35 euros",
    "When is the gate open?": "7 am",
    "What is the deposit for a key?": "20 euros",
    "Where does the water come from?": "rain tank",
    "What may members use when the tank is empty?": "tap",
    "When are hoses forbidden?": "July",
    "Who is the chair of the garden?": "Marta Jelinek",
    "Who looks after the tools?": "Owen Price",
    "How should broken tools be reported?": "email",
    "How many hours does every member work?": "six",
    "When are the work days?": "April",
    "What does a member pay who misses both work days?": "25 euros",
    "Where does compost go?": "bins",
    "Why is meat not allowed?": "rats",
    "When may finished compost be taken home?": "November",
    "To whom do the bees belong?": "Haddad",
    "How far should I keep away from the hives?": "two metres",
    "How many bees are there?": "",
}


def right(answer: str, gold: str) -> bool:
    return has_value(answer, [gold]) if gold else refused(answer)


def main() -> None:
    total = 0
    print("| question | answer of RAG | right |\n|---|---|---|")
    with (
        tempfile.TemporaryDirectory(dir=Path.home()) as home,  # RAGFT refuses the temporary folder
        Studio(Settings.load(home=Path(home), demo=False)) as studio,
    ):
        studio.index([str(FILE)])
        for question, gold in QUESTIONS.items():
            *_, last = studio.ask(question, ["rag"])
            answer = " ".join(last.answers[0].text.split())
            total += right(answer, gold)
            print(f"| {question} | {answer} | {'yes' if right(answer, gold) else 'no'} |", flush=True)
    print(f"\n{total} of {len(QUESTIONS)} right")


if __name__ == "__main__":
    main()
