"""What `make test` runs of a search: all that has changed, a sixteenth of what has not, and it says so."""

import io
import json
from types import SimpleNamespace

import pytest
import searches

ITEMS = [f"item {n}" for n in range(400)]


@pytest.fixture(autouse=True)
def nothing_recorded(monkeypatch, tmp_path):
    monkeypatch.setattr(searches, "RECORD", tmp_path / "searched.json")
    monkeypatch.setattr(searches, "thorough", False)
    monkeypatch.setattr(searches, "left_out", [])


def record(**groups):
    searches.RECORD.write_text(json.dumps({"a search": {group: found.split() for group, found in groups.items()}}))


def choose(digests, items=ITEMS, group_of=lambda item: f"group_{len(item)}"):
    return searches.choose("a search", items, digests, group_of)


def test_what_was_never_searched_in_full_runs_in_full():
    digests = {"group_6": "a", "group_7": "b", "group_8": "c"}
    assert choose(digests).items == tuple(ITEMS)
    assert choose(digests).whole == digests


def test_of_what_has_not_changed_a_sixteenth_runs_and_of_what_has_all():
    record(group_6="a", group_7="another b", group_8="old")
    choice = choose({"group_6": "a", "group_7": "b", "group_8": "c"})
    longest = [item for item in ITEMS if len(item) == 8]
    assert set(longest) < set(choice.items) and choice.changed == ("group_8",)
    rest = len(ITEMS) - len(longest)
    assert 0 < len(choice.items) - len(longest) < 0.3 * rest
    assert choice.whole == {"group_8": "c"} and choice.of == 400


def test_the_sample_is_a_sixteenth_the_same_at_every_time_and_another_one_for_other_content():
    digests = [searches.digest(f"content {n}") for n in range(120)]
    samples = []
    for found in digests:
        record(group=found)
        samples.append(choose({"group": found}, group_of=lambda _: "group").items)
        assert samples[-1] == choose({"group": found}, group_of=lambda _: "group").items
    assert len(set(samples)) == len(samples)
    assert set().union(*samples) == set(ITEMS)  # in time all are in it
    assert sum(map(len, samples)) / len(samples) == pytest.approx(400 / searches.ONE_IN, rel=0.05)


def test_at_least_one_runs_and_in_a_thorough_run_all(monkeypatch):
    for n in range(30):
        record(group=str(n))
        assert len(choose({"group": str(n)}, ["one"], lambda _: "group").items) == 1
    monkeypatch.setattr(searches, "thorough", True)
    assert choose({"group": "29"}, group_of=lambda _: "group").items == tuple(ITEMS)


def test_a_digest_tells_names_from_contents_and_one_file_from_two(tmp_path):
    def of(*files):
        paths = [tmp_path / name for name, _ in files]
        for path, (_, text) in zip(paths, files):
            path.write_text(text)
        return searches.digest(*paths)

    made = [[("a", "b")], [("b", "a")], [("a", "bc")], [("a", "b"), ("c", "")], [("a", ""), ("c", "b")], [("ab", "")]]
    assert len({of(*files) for files in made}) == len(made)


@pytest.mark.parametrize("status, thorough", [(0, True), (1, True), (0, False)])
def test_the_end_of_a_run_counts_and_records_a_thorough_one_that_is_green(monkeypatch, status, thorough):
    record(group_6="a", group_7="b_1 b_2", group_8="c_1 c", gone="x")
    monkeypatch.setattr(searches, "thorough", thorough)

    def report(name, duration, *marks):
        keywords = dict.fromkeys(marks, 1)
        return SimpleNamespace(user_properties=[], when="call", nodeid=name, keywords=keywords, duration=duration)

    node, *others = report("long", 37, "search"), report("short", 0.1, "search"), report("no item", 37)
    choice = choose({"group_6": "a2", "group_7": "b", "group_8": "c"})
    choice.tell(node)
    written = io.StringIO()
    reporter = SimpleNamespace(
        stats={"passed": [node, *others]},
        section=lambda title: None,
        line=lambda text: written.write(text + "\n"),
    )
    config = SimpleNamespace(option=SimpleNamespace(collectonly=False))
    searches.pytest_terminal_summary(reporter, status, config)
    assert f"a search: {len(choice.items)} of 400; 2 changed since all of them passed\n" in written.getvalue()
    assert ("`make thorough` runs all.\n" in written.getvalue()) == (not thorough)
    found = searches.recorded()
    green = status == 0 and thorough
    expected = {"group_6": ["a"], "group_7": ["b_1", "b_2"], "group_8": ["c_1", "c"], "gone": ["x"]}
    if green:  # the newest comes first, and the oldest of three goes
        expected |= {"group_6": ["a2", "a"], "group_7": ["b", "b_1"], "group_8": ["c", "c_1"]}
    assert found["a search"] == expected
    assert found.get(searches.LONG) == ({"long": 32} if green else None)


@pytest.mark.parametrize("asked", [[], ["tests/test_searches.py::test_1"]])
def test_a_marked_test_is_left_out_unless_its_files_have_changed_or_it_is_asked_for(asked):
    def item(n, file, *patterns, **group):
        marks = [pytest.mark.search("a search", *patterns, **group).mark] if patterns else []
        return SimpleNamespace(
            nodeid=f"tests/{file}.py::test_{n}", iter_markers=lambda name: marks if name == "search" else []
        )

    given = [item(n, "test_searches", "README.md") for n in range(200)]
    given += [item(n, "test_texts", "LICENSE", "tests/*.py", group="b") for n in range(200, 220)]
    same = searches.digest_of("tests/test_searches.py", "README.md")
    record(**{"tests/test_searches.py": same, "tests/test_texts.py b": same})
    items, out = [item(-1, "test_searches"), *given], []
    hook = SimpleNamespace(pytest_deselected=lambda items: out.extend(items))
    config = SimpleNamespace(option=SimpleNamespace(keyword=""), args=asked or ["tests"], hook=hook)
    searches.pytest_collection_modifyitems(config, items)
    if asked:
        assert len(items) == 221 and not out
        return
    assert items[0].nodeid.endswith("_-1") and items[-20:] == given[-20:]
    assert len(items) + len(out) == 221 and 3 < len(items) - 21 < 30
    assert [value[:3] for value in searches.left_out] == [["a search", len(items) - 1, 220]]


def test_what_shares_a_lot_is_drawn_together_and_what_takes_long_more_seldom():
    fast, shared = [f"fast {n}" for n in range(30)], [f"shared {n}" for n in range(4)]  # thirty: one is always drawn
    groups = {"slow": "slow", **dict.fromkeys(fast, "fast"), **dict.fromkeys(shared, "shared")}
    lots = {item: "shared" if item in shared else item for item in groups}
    drawn: list[str] = []
    for n in range(400):
        digests = {group: f"{group}-{n}" for group in groups.values()}
        record(**digests)
        choice = searches.choose(
            "a search", groups, digests, groups.__getitem__, lots.__getitem__, lambda item: 32 if item == "slow" else 8
        )
        assert sum(item in shared for item in choice.items) in (0, 4)
        drawn += choice.items
        choice = searches.choose("a search", shared, digests, groups.__getitem__, lots.__getitem__)
        assert choice.items in ((), tuple(shared))  # not even one where each would bring in all
    often, seldom, together = (drawn.count(item) for item in ("fast 0", "slow", "shared 0"))
    assert often > 2 * seldom > 0 and together > 2 * seldom


def test_a_pattern_without_a_file_is_an_error_but_for_a_page_that_is_not_built():
    with pytest.raises(AssertionError, match="no file for .'nowhere/"):
        searches.digest_of("tests/test_searches.py", "nowhere/*.py")
    assert searches.digest_of("_build/nowhere.html", "LICENSE") == searches.digest_of("LICENSE")


def test_what_a_test_imports_counts_and_what_that_imports_and_nothing_that_all_tests_share(monkeypatch, tmp_path):
    files = {
        "tests/test_a.py": "import helper\nfrom conftest import ROOT\nimport rnnbook\nimport json\n",
        "tests/helper.py": "def f():\n    from tool.part import g\n",
        "tools/tool/__init__.py": "import test_a\n",  # in a circle
        "tools/tool/part.py": "",
        "tests/conftest.py": "import other\n",
        "tools/other.py": "",
        "rnnbook/__init__.py": "",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    monkeypatch.setattr(searches, "ROOT", tmp_path)
    found = {str(path.relative_to(tmp_path)) for path in searches.imported(tmp_path / "tests/test_a.py")}
    assert found == {"tests/helper.py", "tools/tool/__init__.py", "tools/tool/part.py"}
    before = searches.digest_of("tests/test_a.py")
    (tmp_path / "tools/tool/part.py").write_text("g = 1\n")
    searches.digest_of.cache_clear()
    assert searches.digest_of("tests/test_a.py") != before
    searches.digest_of.cache_clear()


def test_what_computes_with_the_package_runs_in_full_on_another_kind_of_processor(monkeypatch):
    def digests():
        searches.digest_of.cache_clear()
        return searches.digest_of("LICENSE", *searches.LIBRARY), searches.digest_of("LICENSE")

    here = digests()
    assert digests() == here
    monkeypatch.setattr(searches, "__cpu_features__", dict.fromkeys(searches.__cpu_features__, False))
    numbers, pages = digests()
    assert numbers != here[0] and pages == here[1]
    monkeypatch.undo()
    monkeypatch.setattr(searches.platform, "machine", lambda: "another")
    assert digests()[0] not in (numbers, here[0])
    searches.digest_of.cache_clear()
