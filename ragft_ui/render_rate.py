"""Blind ballots, the list of studies and what surrounds them to HTML. Pure functions, tested without a browser."""

from collections.abc import Iterable, Sequence
from html import escape

from ragft_core.ratings import Ballot, Criterion, Progress, Study
from ragft_core.ratings.nouns import BAD, SKIP, TIE, Vote
from ragft_core.types import ARMS

from .markup import markdown_html
from .render import ago

LABELS = {arm.key: arm.label for arm in ARMS}
WORDS = {TIE: "tie", BAD: "all bad", SKIP: "skipped"}
CONFIDENCE = ((1, "Unsure"), (2, "Fairly sure"), (3, "Sure"))
INSTRUCTIONS = (
    "Read the question, then every answer to its end. Choose the answer that you would rather have been given.\n\n"
    "**Tie**: several are equally good. **All bad**: none is of use. Judge what is said, not how long it is; use the "
    "evidence to check facts. Skip what you cannot judge."
)
CONSENT = (
    "Your choices, scores, notes and the time they took are kept under the name that you type, with no address, and "
    "may be published with the study."
)
EMPTY = (
    "<div class='empty'><b>Nothing to judge yet.</b> Ask questions in Compare first: a study is made of saved "
    "comparisons in which at least two arms finished their answers. Answers made elsewhere can be imported below.</div>"
)
PUBLIC = "This is a public demo: you can rate a study whose link you were given, but not make, export or close one."
NOT_KEPT = (
    "<div class='notice bad' role='alert'><span><b>Not kept across restarts.</b> No lasting storage is mounted here: "
    "when this app restarts, all studies and ratings are gone. Download before you leave: Results, then Export CSV."
    "</span></div>"
)
VISITOR = (
    "You can rate a study whose link you were given. Its owner makes, reads and closes studies, by the link that was "
    "printed when RAGFT started."
)


def arm_label(arm: str) -> str:
    """The name of an arm as HTML; arms of imported answers are called what their file calls them."""
    return escape(LABELS.get(arm, arm))


def arm_class(arm: str) -> str:
    return arm if arm in LABELS else "base"


def count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


# ---------------------------------------------------------------- the ballot


def sheet(ballot: Ballot, progress: Progress, seen: Sequence[tuple[int, str]], revealed: Sequence[str] = ()) -> str:
    """All of a rater's screen. `revealed` names the arms by position, after the vote and if the study allows it."""
    vote = ballot.vote
    state = "revealed" if revealed else "again" if vote else "open"
    parts = [head(ballot.place, progress), question_card(ballot), answers(ballot, revealed)]
    if revealed:
        parts.append(
            "<div class='votes'><button type='button' data-act='next' aria-keyshortcuts='Enter'>Next "
            "<span class='kbd'>Enter</span></button></div>"
        )
    else:
        parts += [choices(ballot.letters, vote), extras(ballot)]
    parts += [actions(state), earlier(seen, ballot.place)]
    return (
        f"<form class='sheet' data-place='{ballot.place}' data-letters='{ballot.letters}' data-state='{state}' "
        f"aria-label='Ballot'>{''.join(parts)}</form>"
    )


def head(place: int, progress: Progress) -> str:
    done = progress.total - progress.left
    left = f"<span class='pill'>{time_left(progress)}</span>" if progress.left else ""
    skipped = f", <b>{progress.skipped}</b> skipped" if progress.skipped else ""
    return (
        f"<div class='ratehead'><span class='pill'>Item <b>{place + 1}</b> of {progress.total}</span>"
        f"<div class='progress' role='progressbar' aria-label='Judged' aria-valuemin='0' "
        f"aria-valuemax='{progress.total}' aria-valuenow='{done}'><i style='width:{done / progress.total:.0%}'></i>"
        f"</div><span class='pill'><b>{progress.rated}</b> rated{skipped}</span>{left}</div>"
    )


def time_left(progress: Progress) -> str:
    if progress.seconds_left is None:
        return count(progress.left, "item") + " left"
    minutes = progress.seconds_left / 60
    return f"about {minutes:.0f} min left" if minutes >= 1 else "under a minute left"


def question_card(ballot: Ballot) -> str:
    reference = f"<p class='ref'><b>Reference:</b> {escape(ballot.reference)}</p>" if ballot.reference else ""
    evidence = ""
    if ballot.evidence:
        passages = "".join(
            f"<p class='passage'><b>{escape(one.title)}</b><br>{escape(one.text)}</p>" for one in ballot.evidence
        )
        number = {2: "both", 3: "all three", 4: "all four"}.get(len(ballot.answers), "all")
        evidence = (
            f"<details class='evidence' data-keep='evidence'><summary>Evidence, the same for {number} answers "
            f"({count(len(ballot.evidence), 'passage')})</summary>{passages}</details>"
        )
    how = ""
    if ballot.instructions:
        how = (
            f"<details class='evidence' data-keep='how'><summary>How to judge</summary>"
            f"<div class='answer'>{markdown_html(ballot.instructions)}</div></details>"
        )
    question = f"<h2 class='rq' tabindex='-1'>{escape(ballot.question)}</h2>"
    return f"<div class='qcard'>{question}{reference}{evidence}{how}</div>"


def answers(ballot: Ballot, revealed: Sequence[str] = ()) -> str:
    """The answers side by side, all in the same type, under a letter or, once revealed, under their arm's name."""
    cards = []
    for n, (letter, text) in enumerate(zip(ballot.letters, ballot.answers, strict=True)):
        kind, under = "blind", "Name hidden"
        if revealed:
            mine = ", your choice" if ballot.vote and ballot.vote.choice == letter else ""
            kind, under = arm_class(revealed[n]), f"This was {arm_label(revealed[n])}{mine}"
        cards.append(
            f"<article class='syscard {kind}'><div class='phead'><span class='glyph' aria-hidden='true'>{letter}</span>"
            f"<div><h3 class='t'>Answer {letter}</h3><div class='s'>{under}</div></div></div>"
            f"<div class='part-body'><div class='answer'>{markdown_html(text)}</div></div></article>"
        )
    return f"<div class='cards ballotcards'>{''.join(cards)}</div>"


def choices(letters: str, vote: Vote | None) -> str:
    """One button per answer, tie and all bad; the one pressed before is marked."""
    offered = [(letter, f"{letter} is best", str(n)) for n, letter in enumerate(letters, 1)]
    offered += [(TIE, "Tie", "0"), (BAD, "All bad", "9")]
    buttons = []
    for choice, words, key in offered:
        chosen = vote is not None and vote.choice == choice
        buttons.append(
            f"<button type='button' data-choice='{choice}' aria-keyshortcuts='{key}' "
            f"aria-pressed='{str(chosen).lower()}'{' class=chosen' if chosen else ''}>"
            f"{words} <span class='kbd'>{key}</span></button>"
        )
    return f"<div class='votes' role='group' aria-label='Which answer is best?'>{''.join(buttons)}</div>"


def extras(ballot: Ballot) -> str:
    """What may be said besides the choice; sent together with it."""
    vote = ballot.vote or Vote("")
    confidence = radios("confidence", "How sure are you?", CONFIDENCE, vote.confidence)
    guess = ""
    if ballot.ask_guess:
        offered = [(letter, letter) for letter in ballot.letters] + [("", "No idea")]
        guess = radios("guess", "Which one had read documents?", offered, vote.guess if ballot.vote else None)
    told = checkbox("told", "I can tell which is which", "told" in vote.flags)
    flagged = checkbox("flagged", "Something is wrong with this item", "flagged" in vote.flags)
    return (
        "<details class='more' data-keep='more'><summary>Scores, confidence and note (optional; they are sent "
        f"with your choice, so give them first)</summary>{matrix(ballot.criteria, ballot.letters, vote)}"
        f"<div class='asides'>{confidence}{guess}</div>"
        "<label class='notelabel'>Note<textarea name='note' rows='2' maxlength='4000' placeholder='What decided it?'>"
        f"{escape(vote.note)}</textarea></label></details><div class='flags'>{told}{flagged}</div>"
    )


def matrix(criteria: Sequence[Criterion], letters: str, vote: Vote) -> str:
    """Scores from 1 to 5 for every criterion and answer, with the written meaning of each score."""
    if not criteria:
        return ""
    header = "".join(f"<th scope='col'>Answer {letter}</th>" for letter in letters)
    rows = []
    for criterion in criteria:
        anchors = "".join(f"<li>{escape(words)}</li>" for words in criterion.anchors)
        cells = "".join(_scores(criterion, letter, vote.scores.get(letter, {})) for letter in letters)
        rows.append(f"<tr><th scope='row'>{escape(criterion.label)}<ol class='anchors'>{anchors}</ol></th>{cells}</tr>")
    return (
        "<table class='scores'><caption class='srwrap'>Scores from 1 to 5</caption>"
        f"<thead><tr><th scope='col'>Criterion</th>{header}</tr></thead><tbody>{''.join(rows)}</tbody></table>"
        "<button type='button' class='plain' data-act='clear'>Clear the scores</button>"
    )


def _scores(criterion: Criterion, letter: str, given: object) -> str:
    chosen = given.get(criterion.key) if hasattr(given, "get") else None
    options = "".join(
        f"<label title='{escape(words)}'><input type='radio' name='s-{letter}-{criterion.key}' value='{n}' "
        f"aria-label='{n}, {escape(words)}'{' checked' if chosen == n else ''}>"
        f"<span aria-hidden='true'>{n}</span></label>"
        for n, words in enumerate(criterion.anchors, 1)
    )
    label = f"{escape(criterion.label)}, answer {letter}"
    group = f"<div class='five' role='radiogroup' aria-label='{label}'>{options}</div>"
    return f"<td data-label='Answer {letter}'>{group}</td>"


def radios(name: str, legend: str, options: Iterable[tuple[object, str]], chosen: object) -> str:
    items = "".join(
        f"<label><input type='radio' name='{name}' value='{value}'{' checked' if value == chosen else ''}> "
        f"{words}</label>"
        for value, words in options
    )
    return f"<fieldset class='aside'><legend>{legend}</legend>{items}</fieldset>"


def checkbox(name: str, words: str, checked: bool) -> str:
    return f"<label><input type='checkbox' name='{name}'{' checked' if checked else ''}> {words}</label>"


def actions(state: str) -> str:
    """Skip, undo and going on, and the switch for single keys (WCAG 2.1.4)."""
    skip = "<button type='button' data-act='skip' aria-keyshortcuts='s'>Skip <span class='kbd'>S</span></button>"
    undo = "<button type='button' data-act='undo' aria-keyshortcuts='u'>Undo <span class='kbd'>U</span></button>"
    onward = "<button type='button' data-act='next'>Leave it as it is</button>"
    shown = {"open": skip + undo, "again": onward + undo, "revealed": "", "finished": undo}[state]
    return (
        f"<div class='rateactions'>{shown}<span class='grow'></span>"
        f"<span class='keys'>{checkbox('keys', 'Keyboard shortcuts', True)}</span></div>"
    )


def earlier(seen: Sequence[tuple[int, str]], now: int | None = None) -> str:
    """The rater's votes and skips, each a button that opens its ballot again."""
    if not seen:
        return ""
    chips = "".join(
        f"<li><button type='button' data-act='open' data-to='{place}'{' aria-current=true' if place == now else ''}>"
        f"<b>{place + 1}</b> {escape(WORDS.get(choice, choice))}</button></li>"
        for place, choice in sorted(seen)
    )
    return (
        f"<details class='earlier' data-keep='earlier'><summary>What you said before ({len(seen)})</summary>"
        f"<ol>{chips}</ol></details>"
    )


def finished(progress: Progress, seen: Sequence[tuple[int, str]], name: str) -> str:
    skipped = f" You skipped {count(progress.skipped, 'item')}; open one below to judge it." if progress.skipped else ""
    return (
        "<form class='sheet' data-place='-1' data-letters='' data-state='finished' aria-label='Done'>"
        f"<div class='qcard'><h2 class='rq' tabindex='-1'>Done. Thank you, {escape(name)}.</h2>"
        f"<p class='ref'>You judged {progress.rated} of {count(progress.total, 'item')}; every choice is kept.{skipped}"
        f"</p></div>{actions('finished')}{earlier(seen)}</form>"
    )


def spoken(progress: Progress, place: int | None) -> str:
    """What a screen reader hears after a vote."""
    if place is None:
        return f"Done. {progress.rated} of {count(progress.total, 'item')} rated."
    return f"{progress.rated} rated. Item {place + 1} of {progress.total}."


# ---------------------------------------------------------------- joining, and the list of studies


def welcome(study: Study, items: int) -> str:
    """What a rater reads before the first ballot; the study's title stays out of it, as it may name the arms."""
    how = f"<div class='answer'>{markdown_html(study.instructions)}</div>" if study.instructions else ""
    consent = f"<p class='consent'><b>What is kept.</b> {escape(study.consent)}</p>" if study.consent else ""
    final = "<p class='sub'>After each vote you see which answer was whose, so that votes are final.</p>"
    return (
        f"<h2 class='sect'>Judge answers blind</h2><p class='sub'>{count(items, 'question')}; who wrote which answer "
        f"is hidden, and the order is mixed anew every time.</p>{how}{final if study.reveal else ''}{consent}"
    )


def study_list(rows: Iterable[tuple[Study, int, int, int]]) -> str:
    """(study, items, raters, ratings) as a table with what can be done with each."""
    shown = "".join(map(_study_row, rows))
    if not shown:
        return "<div class='empty'>No study yet. Make one of saved comparisons, or import one.</div>"
    return (
        "<div class='scroll' tabindex='0' role='region' aria-label='Studies'><table class='rows'><thead><tr>"
        "<th>Study</th><th class='num hide-sm'>Items</th><th class='num hide-sm'>Raters</th>"
        "<th class='num'>Ratings</th><th><span class='srwrap'>Actions</span></th></tr></thead>"
        f"<tbody>{shown}</tbody></table></div>"
    )


def _study_row(row: tuple[Study, int, int, int]) -> str:
    study, items, raters, ratings = row
    arms = ", ".join(map(arm_label, study.arms))
    state = "open" if study.is_open else "closed"
    offered = [("results", "Results")]
    if study.kind == "answers":
        offered = [("rate", "Rate")] * study.is_open + offered + [("link", "Copy link")] * study.is_open
        offered.append(("close", "Close") if study.is_open else ("reopen", "Reopen"))
    buttons = "".join(
        f"<button type='button' class='plain' data-act='{act}' data-study='{escape(study.id)}' "
        f"aria-label='{words}: {escape(study.title)}'>{words}</button>"
        for act, words in offered
    )
    return (
        f"<tr><td><span class='doc'>{escape(study.title)}</span><span class='sub'>{arms} &middot; {state} &middot; "
        f"{escape(ago(study.created))}</span></td><td class='num hide-sm'>{items:,}</td>"
        f"<td class='num hide-sm'>{raters:,}</td><td class='num'>{ratings:,}</td>"
        f"<td class='rowacts'>{buttons}</td></tr>"
    )
