"""Who may change things: nobody but the owner's browser where others can reach the page, also over plain HTTP."""

import tempfile
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from ragft_core import Settings, SettingsError, Studio
from ragft_core.testing import EchoEngine, OnePageIndex
from ragft_ui.owner import NotOwnerError, Owner, loopback

from .posting import Caller
from .test_rate_tab import ARMS
from .test_ratings import asked

TITLE = "Is the wombat best?"


def owner(secret: str = "s" * 32, **settings: Any) -> Owner:
    chosen = Settings.load(home="unused", demo=False, **settings)
    return Owner(SimpleNamespace(settings=chosen, secret=secret))


@pytest.mark.parametrize(
    ("settings", "free", "possible"),
    [
        ({}, True, True),
        ({"host": "localhost"}, True, True),
        ({"host": "::1"}, True, True),
        ({"host": "0.0.0.0"}, False, True),
        ({"host": "ragft.lan"}, False, True),
        ({"public": True}, False, False),
        ({"public": True, "host": "0.0.0.0"}, False, False),
        ({"public": True, "owner_token": "a long enough one"}, False, True),
        ({"owner_token": "a long enough one"}, False, True),
    ],
)
def test_who_needs_a_token(settings: dict[str, Any], free: bool, possible: bool) -> None:
    rule = owner(**settings)
    assert (rule.free, rule.possible, rule.here()) == (free, possible, free)
    if not free:
        with pytest.raises(NotOwnerError):
            rule.check()


def test_only_the_token_admits_and_only_its_cookie_holds() -> None:
    rule = owner(host="0.0.0.0")
    assert rule.admits("s" * 32) and not rule.admits("") and not rule.admits("s" * 31) and not rule.admits("\ud800é")
    cookie = f"a=b; {rule.cookie_name}={rule.cookie_value}"
    assert rule.holds(cookie) and "s" * 32 not in cookie
    for wrong in ("", "a=b", f"{rule.cookie_name}=", f"{rule.cookie_name}={'0' * 64}", f"{rule.cookie_name}", "é=;;;"):
        assert not rule.holds(wrong)
    assert not owner("t" * 32, host="0.0.0.0").holds(cookie)
    nobody = owner(public=True)
    assert not nobody.admits("") and not nobody.holds(f"{nobody.cookie_name}={nobody.cookie_value}")


def test_a_token_of_the_settings_is_not_repeated_and_one_of_ours_is_printed() -> None:
    assert owner(host="0.0.0.0").link("http://h:1") == f"http://h:1/?owner={'s' * 32}"
    named = owner(host="0.0.0.0", owner_token="a long enough one")
    assert named.link("http://h:1") == "http://h:1" and not named.printed and named.admits("a long enough one")
    assert owner().link("http://h:1") == "http://h:1"


def test_a_short_token_is_refused_and_never_shown() -> None:
    with pytest.raises(SettingsError, match="too short") as told:
        Settings.load(owner_token="hunter2")
    assert "hunter2" not in str(told.value)
    assert "a long enough one" not in repr(Settings.load(owner_token="a long enough one"))


def test_what_only_this_machine_can_reach() -> None:
    assert loopback("127.0.0.1") and loopback("::1") and loopback("localhost") and loopback("127.8.8.8")
    assert not loopback("0.0.0.0") and not loopback("::") and not loopback("ragft.lan") and not loopback("192.168.1.7")


# ---------------------------------------------------------------- over HTTP


@pytest.fixture(scope="module")
def open_page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimpleNamespace]:
    """A page on every address, with a study and a document."""
    folder = tmp_path_factory.mktemp("owner")
    (folder / "tmp").mkdir()
    patch = pytest.MonkeyPatch()
    patch.setattr(tempfile, "tempdir", str(folder / "tmp"))
    patch.setenv("GRADIO_TEMP_DIR", str(folder / "home" / "downloads"))
    patch.setenv("GRADIO_ANALYTICS_ENABLED", "False")
    import ragft_ui

    settings = Settings.load(home=folder / "home", demo=False, port=0, host="0.0.0.0")
    with Studio(settings, engine=EchoEngine(), retrieval=OnePageIndex()) as studio:
        studio.warm()
        studio.store.save_comparison(asked(99))
        study = studio.ratings.create(TITLE, [asked(n, ARMS) for n in range(4)])[0]
        page = ragft_ui.build(studio)
        url = ragft_ui.launch(page, studio)
        yield SimpleNamespace(url=url, page=page, studio=studio, study=study, owner=Owner(studio), folder=folder)
        page.close(verbose=False)
    patch.undo()


@pytest.fixture
def caller(open_page: SimpleNamespace) -> Iterator[Caller]:
    caller = Caller(open_page.url, open_page.page)
    yield caller
    caller.close()


FORM = ["Mine", 0, ["rag", "tuned"], [], [], 1, 0.25, 0, "", "", None]
PRIVILEGED = [  # function, class, inputs, event data
    ("act", "RateTab", [None], {"act": "close"}),
    ("act", "RateTab", [None], {"act": "results"}),
    ("create", "StudyForm", FORM, None),
    ("import_file", "StudyForm", ["FILE", [], [], 1, 0.25, 0, "", ""], None),
    ("take_judge", "ResultsView", ["STUDY", "FILE"], None),
    ("read", "ResultsView", ["STUDY"], None),
    ("export_csv", "ResultsView", ["STUDY"], None),
    ("export", "ResultsView", ["STUDY", "ratings.csv", True], None),
    ("list_studies", "RateTab", [], None),
    ("open_lobby", "RateTab", [], None),
    ("look", "RateTab", ["", ""], None),
    ("list_history", "CompareTab", [], None),
    ("index", "Adding", [["FILE"], "", "", 0, 0], None),
    ("halt", "Adding", [], None),
    ("ask_first", "DocumentList", [["sky.md"]], None),
    ("forget_pending", "DocumentList", [None], None),
    ("undo_forget", "DocumentList", [], None),
    ("run_check", "IndexHealth", [], None),
    ("run_rebuild", "IndexHealth", [], None),
    ("edit", "Passages", ["sky.md", "p1", "The sky is green."], None),
    ("look", "RunView", ["", None], None),
    ("stop_run", "RunView", ["mine", None], None),
    ("resume_run", "RunView", ["mine", None], None),
    ("begin", "RecipeForm", "INPUTS", None),
]


def filled(value: Any, caller: Caller, open_page: SimpleNamespace) -> Any:
    if isinstance(value, list):
        return [filled(one, caller, open_page) for one in value]
    if value == "FILE":
        path = open_page.folder / "answers.csv"
        path.write_text("question,arm,answer\nWhy?,one,Because\nWhy?,two,Why not\n")
        return caller.upload(path)
    return open_page.study.id if value == "STUDY" else value


@pytest.mark.parametrize("way", ["run", "call", "join"])
def test_a_stranger_changes_and_reads_nothing(open_page: SimpleNamespace, caller: Caller, way: str) -> None:
    before = [(one.id, one.is_open) for one in open_page.studio.ratings.studies()]
    exports = open_page.studio.home.downloads / "exports"
    caller.get("/")
    caller.get("/config")
    caller.http.cookies.set(open_page.owner.cookie_name, "0" * 64)
    for name, of, data, event in PRIVILEGED:
        event = event and event | {"study": open_page.study.id}
        number = caller.number(name, of)
        given = [None] * len(open_page.page.fns[number].inputs) if data == "INPUTS" else filled(data, caller, open_page)
        told = caller.post(way, number, given, event)
        assert TITLE not in told and "wombat" not in told and "Question 99" not in told, (name, told)
    assert [(one.id, one.is_open) for one in open_page.studio.ratings.studies()] == before
    assert not exports.exists() or not list(exports.rglob("*.csv"))
    assert open_page.studio.home.downloads.joinpath("uploads").exists() is False
    assert not list(open_page.studio.home.folder.glob("runs/*"))
    assert TITLE not in " ".join(caller.heard)


def test_a_wrong_link_is_refused_and_the_right_one_makes_the_owner(open_page: SimpleNamespace, caller: Caller) -> None:
    assert caller.get("/?owner=nonsense").status_code == 403 and not caller.http.cookies
    came = caller.get(f"/?owner={open_page.owner.printed}&study=x")
    assert came.status_code == 200 and str(came.url).endswith("/?study=x")
    set_cookie = came.history[0].headers["set-cookie"].lower()
    assert "httponly" in set_cookie and "samesite=strict" in set_cookie
    assert (
        open_page.owner.printed not in set_cookie
        and "frame-ancestors" in came.history[0].headers["content-security-policy"]
    )
    assert TITLE in caller.post("run", caller.number("look", "RateTab"), ["", ""])
    assert "Question 99" in caller.post("run", caller.number("list_history", "CompareTab"), [])
    event = {"act": "close", "study": open_page.study.id}
    for act in ("close", "reopen"):
        caller.post("join", caller.number("act", "RateTab"), [None], event | {"act": act})
        assert open_page.studio.ratings.study(open_page.study.id).is_open is (act == "reopen")
    made = caller.post("join", caller.number("create", "StudyForm"), FORM)
    assert "Made with 1 item" in made


def test_a_stranger_with_a_link_rates(open_page: SimpleNamespace, caller: Caller) -> None:
    joined = caller.post("run", caller.number("join", "RatingDesk"), [open_page.study.id, "ann", True])
    assert "data-place='0'" in joined
    said = {"act": "vote", "place": 0, "choice": "A", "key": "key-00001"}
    caller.post("run", caller.number("act", "RatingDesk"), [open_page.study.id, "ann"], said)
    assert len(open_page.studio.ratings.ledger.ratings(open_page.study.id, "ann")) == 1
