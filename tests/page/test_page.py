# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The page of a report in a headless Chromium: used as a person would, with mouse, keyboard and without script."""

from __future__ import annotations

import json
import pathlib
import re
import typing as t

import pytest
from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]
from playwright.sync_api import Browser, Page, expect, sync_playwright

from .browser import launched
from .incident import HOSTS, caches_page_of, incident, large_roll, page_of, planted, roll, roll_page_of

EVIL = "/<script>document.title='taken'</script>{{7*191}}{%raw%}\"'&</script><img/src=x:y>"


@pytest.fixture(scope="module")
def browser() -> t.Iterator[Browser]:
    """One for all tests."""
    with sync_playwright() as playwright:
        one = launched(playwright)
        yield one
        one.close()


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, pathlib.Path]:
    """Pages by what is in them."""
    folder = tmp_path_factory.mktemp("pages")
    files = incident(folder)
    log = planted("sql", "p19").replace("/lab/sql/", EVIL + "/lab/sql/").replace("time.sleep", EVIL)
    (folder / "evil.log").write_text(log)
    texts = {
        "incident": page_of(files, rows=True),
        "guessed": page_of(files),
        "idle": page_of([{"path": str(folder / "shop6.log"), "host": "shop6"}]),
        "evil": page_of([{"path": str(folder / "evil.log"), "host": "evil" + EVIL}]),
        "caches": caches_page_of("shop1", "evil" + EVIL),
        "old caches": caches_page_of("shop1.example.com", "odoo-17.shop.example.com", log="14-prefork-usr1"),
        "new caches": caches_page_of("shop1.example.com", "odoo-17.shop.example.com"),
        "long names": page_of([{**one, "host": f"{one['host']}.site-2.example.com"} for one in files]),
        "roll": roll_page_of(roll("done"), folder),
        "failed roll": roll_page_of(roll("failed"), folder),
        "check": roll_page_of(roll("check"), folder),
        "large roll": roll_page_of(large_roll(), folder),
        "evil roll": roll_page_of(evil(roll("failed")), folder),
    }
    for name, text in texts.items():
        (folder / f"{name}.html").write_text(text)
    return {name: folder / f"{name}.html" for name in texts}


def evil(report: dict[str, t.Any]) -> dict[str, t.Any]:
    """Return the report of a roll with markup in the names of hosts, in reasons and in what was done."""
    text = json.dumps(report)
    for value in ("t19", "root on vm", "release 2026.12", "HUP was sent to pid 33", "the budget is 0"):
        text = text.replace(value, value + json.dumps(EVIL)[1:-1])
    return t.cast("dict[str, t.Any]", json.loads(text))


#: Words that a browser has broken, and labels without anything behind them. A name may be broken after a character
#: that is neither a letter nor a digit. What is longer than the place for it is broken anywhere.
UGLY = """() => {
  const found = [];
  const seen = (element) => element.checkVisibility() && !element.closest("script, style, datalist, svg");
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) {
    const node = texts.currentNode;
    if (!seen(node.parentElement)) continue;
    for (const word of node.textContent.matchAll(/[\\p{L}\\p{N}]+/gu)) {
      const range = document.createRange();
      range.setStart(node, word.index);
      range.setEnd(node, word.index + word[0].length);
      const lines = new Set([...range.getClientRects()].filter((one) => one.width).map((one) => Math.round(one.top)));
      if (lines.size > 1) found.push(`broken: ${word[0]} in ${node.textContent.trim().slice(0, 80)}`);
    }
  }
  for (const one of document.querySelectorAll("td, label, h2, h3, th, caption, summary, li, pre")) {
    if (!seen(one) || one.textContent.trim() || one.querySelector("svg")) continue;
    const label = getComputedStyle(one, "::before").content;
    if (one.tagName === "TD" && (label === "none" || label === "normal")) continue;
    found.push(`empty: ${one.outerHTML.slice(0, 80)}`);
  }
  for (const table of document.querySelectorAll("table")) {
    const frame = table.parentElement;
    if (frame.scrollWidth > frame.clientWidth) found.push(`wider than the screen: ${table.id}`);
    const rows = [...table.tBodies[0].rows];
    [...table.tHead.rows[0].cells].forEach((head, column) => {
      if (rows.length && rows.every((row) => !row.cells[column].textContent.trim())) {
        found.push(`empty column: ${head.textContent}`);
      }
    });
  }
  return found;
}"""


class Seen:
    """A page that is open, with everything that it asked for and complained of."""

    def __init__(self, browser: Browser, path: pathlib.Path, **options: t.Any) -> None:
        self.context = browser.new_context(**options)
        self.page: Page = self.context.new_page()
        self.page.set_default_timeout(10_000)
        self.requests: list[str] = []
        self.complaints: list[str] = []
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.on("console", lambda message: self.complaints.append(message.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("dialog", lambda dialog: self.complaints.append(dialog.message))
        self.page.goto(path.as_uri())
        self.url = path.as_uri()

    def shown(self, table: str) -> list[str]:
        """The rows of a table that can be seen."""
        return self.page.locator(f"{table} tbody tr:not([hidden])").all_inner_texts()


@pytest.fixture
def opened(browser: Browser, pages: dict[str, pathlib.Path]) -> t.Iterator[t.Callable[..., Seen]]:
    """Opens a page by name; after the test it must not have asked for anything, nor complained."""
    all_seen: list[Seen] = []

    def open_one(name: str = "incident", **options: t.Any) -> Seen:
        all_seen.append(Seen(browser, pages[name], **options))
        return all_seen[-1]

    yield open_one
    for seen in all_seen:
        assert {url.partition("#")[0] for url in seen.requests} == {seen.url}
        assert seen.complaints == []
        seen.context.close()


def test_the_culprit_is_at_the_top(opened: t.Callable[..., Seen]) -> None:
    page = opened(viewport={"width": 1200, "height": 800}).page
    first = page.locator(".findings > li").first
    expect(first.locator("h3")).to_have_text("1. shop1 has no http worker left for new requests")
    box = first.bounding_box()
    assert box is not None
    assert box["y"] + box["height"] < 800
    assert page.locator(".health li").all_inner_texts() == [
        "1\nno free worker",
        "4\nbusy",
        "0\nnot understood",
        "1\nidle",
        "1\ndid not answer",
    ]
    expect(page.get_by_text("unreachable: connection timed out")).to_be_visible()


@pytest.mark.parametrize("name", ["incident", "guessed", "idle", "evil", "caches", "roll", "failed roll", "check"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing(opened: t.Callable[..., Seen], name: str, scheme: str) -> None:
    page = opened(name, color_scheme=scheme).page
    page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
    result = Axe().run(page)
    assert result.violations_count == 0, result.generate_report()
    background = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (background == "rgb(255, 255, 255)") == (scheme == "light")
    if name == "incident":
        page.locator("#work-table a").first.click()
        page.locator("dialog[open]").wait_for()
        result = Axe().run(page)
        assert result.violations_count == 0, result.generate_report()


def test_rows_are_filtered(opened: t.Callable[..., Seen]) -> None:
    seen = opened()
    page = seen.page
    page.get_by_role("combobox", name="Host").fill("shop1")
    assert {row.split(",")[0].split("\t")[-1] for row in seen.shown("#work-table")} == {"shop1"}
    assert len(seen.shown("#servers-table")) == 1
    expect(page.locator("#flame-at")).to_contain_text("of 6 samples")
    # A name that is not written out is looked for within.
    page.get_by_role("combobox", name="Host").fill("shop")
    assert len(seen.shown("#servers-table")) == 5
    page.get_by_role("button", name="Clear").click()
    assert len(seen.shown("#servers-table")) == 6
    page.get_by_role("combobox", name="Database").fill("p14")
    assert len(seen.shown("#work-table")) == len(seen.shown("#servers-table")) == 1
    page.get_by_role("combobox", name="Database").fill("")
    page.get_by_role("combobox", name="URL").fill("/lab/foreign")
    assert len(seen.shown("#work-table")) == 1
    expect(page.locator("#flame-graph").get_by_role("treeitem").first).to_have_attribute(
        "aria-label", re.compile("of 3 s")
    )
    page.get_by_role("combobox", name="URL").fill("")
    page.get_by_label("Health").select_option("no free worker")
    assert len(seen.shown("#servers-table")) == 1
    page.get_by_label("Health").select_option("any")
    page.get_by_label("Rows with").fill("nothing of the kind")
    assert seen.shown("#work-table") == []
    expect(page.get_by_text("0 of 7 rows")).to_be_visible()


def test_rows_are_sorted_with_the_keyboard(opened: t.Callable[..., Seen]) -> None:
    seen = opened()

    def seconds() -> list[float]:
        return [float(row.split()[0]) for row in seen.shown("#work-table")]

    head = seen.page.locator("#work-table").get_by_role("button", name="Seconds")
    head.focus()
    seen.page.keyboard.press("Enter")
    assert seconds() == sorted(seconds(), reverse=True)
    seen.page.keyboard.press("Enter")
    assert seconds() == sorted(seconds())
    expect(seen.page.locator("#work-table th").first).to_have_attribute("aria-sort", "ascending")
    seen.page.locator("#servers-table").get_by_role("button", name="Server").click()
    names = [row.split("\t")[0] for row in seen.shown("#servers-table")]
    assert names == sorted([*HOSTS, "shop6"])


def test_the_flame_graph_is_searched(opened: t.Callable[..., Seen]) -> None:
    page = opened().page
    page.get_by_label("Search calls").fill("requests/")
    expect(page.locator("#flame-graph [role=status]")).to_have_text("found in 15.0 % of the samples")
    found = page.locator("#flame-graph svg .hit").evaluate_all(
        "all => all.map((one) => one.getAttribute('aria-label'))"
    )
    assert found
    assert all("requests/" in one.lower() for one in found)
    page.get_by_label("Search calls").fill("no such call")
    expect(page.locator("#flame-graph [role=status]")).to_have_text("found in 0.0 % of the samples")
    assert page.locator("#flame-graph svg .hit").count() == 0


def test_the_flame_graph_is_zoomed(opened: t.Callable[..., Seen]) -> None:
    page = opened().page
    items = page.locator("#flame-graph").get_by_role("treeitem")
    everything = items.count()
    one = items.filter(has_text="run_slow_cron")
    before = t.cast("dict[str, float]", one.bounding_box())["width"]
    one.click()
    after = t.cast("dict[str, float]", items.filter(has_text="run_slow_cron").bounding_box())["width"]
    assert after > 2 * before
    assert items.count() < everything
    page.get_by_role("button", name="Reset zoom").click()
    assert items.count() == everything
    expect(page.get_by_role("button", name="Reset zoom")).to_be_disabled()


def test_the_flame_graph_goes_by_keyboard(opened: t.Callable[..., Seen]) -> None:
    page = opened().page
    items = page.locator("#flame-graph").get_by_role("treeitem")
    everything = items.count()
    # One stop of the tab key, and arrows from there.
    assert page.locator("#flame-graph [tabindex='0']").count() == 1
    page.get_by_label("Search calls").focus()
    page.keyboard.press("Tab")
    said = page.locator("#flame-at")
    for key, text in {"ArrowDown": "execute", "ArrowRight": "_process_jobs", "ArrowLeft": "execute"}.items():
        page.keyboard.press(key)
        expect(said).to_contain_text(text)
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    assert items.count() < everything
    expect(page.locator("#flame-graph :focus")).to_have_attribute("aria-label", re.compile("_process_jobs"))
    page.keyboard.press("Escape")
    assert items.count() == everything


def test_dumps_are_one_click_away(opened: t.Callable[..., Seen]) -> None:
    page = opened().page
    page.locator("#work-table").get_by_role("link", name="shop4, 42").click()
    text = page.locator("dialog[open] pre")
    expect(text).to_contain_text("in foreign")
    assert len(re.findall(r"(?m)^2026-\S+ \S+ 42 INFO", text.inner_text())) == 3
    assert " 41 INFO" not in text.inner_text()
    page.keyboard.press("Escape")
    expect(page.locator("dialog")).to_be_hidden()
    expect(page.locator("#work-table").get_by_role("link", name="shop4, 42")).to_be_focused()
    page.get_by_role("link", name="Show the dumps of jobs1").press("Enter")
    assert len(re.findall(r"(?m)^2026-\S+ \S+ \d+ INFO", text.inner_text())) == 15
    page.get_by_role("button", name="Close").click()
    expect(page.get_by_role("link", name="shop1.log")).to_have_attribute("href", "shop1.log")


def test_chains_of_locks_are_drawn(opened: t.Callable[..., Seen]) -> None:
    page = opened().page
    drawing = page.get_by_role("img", name="worker 32 on shop2 waits for worker 41 on shop3")
    expect(drawing).to_be_visible()
    assert drawing.locator("rect").count() == 4
    assert drawing.locator("path.line").count() == 3


def test_texts_of_strangers_stay_texts(opened: t.Callable[..., Seen]) -> None:
    page = opened("evil").page
    expect(page).to_have_title("Why is Odoo slow or stuck?")
    assert page.locator("img").count() == 0
    assert page.locator("script").count() == 3
    assert EVIL in page.locator("#work-table").inner_text()
    page.locator("#work-table a").first.click()
    assert EVIL in page.locator("dialog[open] pre").inner_text()
    assert page.locator("img").count() == 0


def test_the_page_of_caches_is_one_of_them(opened: t.Callable[..., Seen]) -> None:
    seen = opened("caches")
    page = seen.page
    expect(page).to_have_title("Cache statistics of Odoo")
    rows = seen.shown("#caches-table")
    assert EVIL in page.locator("main").inner_text()
    assert page.locator("img").count() == 0
    page.get_by_label("Method").fill("_get_asset_paths")
    assert 0 < len(seen.shown("#caches-table")) < len(rows)
    page.get_by_role("button", name="Clear").click()
    assert seen.shown("#caches-table") == rows
    page.get_by_role("button", name="Hits").click()
    hits = [int(row.split("\t")[4]) for row in seen.shown("#caches-table")]
    assert hits == sorted(hits, reverse=True)


def test_a_roll_is_filtered_sorted_and_read_with_the_keyboard(opened: t.Callable[..., Seen]) -> None:
    seen = opened("large roll")
    page = seen.page
    expect(page).to_have_title("Rolling restart: stopped")
    assert page.locator(".health li").all_inner_texts() == ["118\nreloaded", "2\nfailed", "80\nnot touched"]
    assert len(seen.shown("#hosts-table")) == 50
    page.get_by_label("Result").select_option("failed")
    rows = page.locator("#hosts-table tbody tr:not([hidden])")
    expect(rows).to_have_count(2)
    expect(rows.first).to_contain_text("reload failed after")
    assert rows.first.locator("rect.failed").count() == 1
    page.get_by_role("button", name="Clear").click()
    page.get_by_role("combobox", name="Host").fill("odoo-119.shop.example.com")
    assert len(seen.shown("#hosts-table")) == len(seen.shown("#versions-table")) == 1
    page.get_by_role("combobox", name="Host").fill("")
    head = page.locator("#hosts-table").get_by_role("button", name="Requests under way")
    head.focus()
    page.keyboard.press("Enter")
    assert seen.shown("#hosts-table")[0].split("\t")[-1] == "3"
    page.get_by_role("group", name="Command that rolls the hosts that remain").focus()
    expect(page.locator(":focus")).to_contain_text("--limit @")
    history = page.get_by_role("row", name="2026-11-30 18:03:35 UTC")
    expect(history).to_contain_text("failed: t19")
    expect(history.get_by_role("link")).to_have_attribute("href", "../20261130T180335Z/report.html")
    expect(page.get_by_role("row", name="2026-11-30 18:05:17 UTC")).to_contain_text("it was interrupted")


def test_a_roll_of_strangers_is_text_and_can_be_read_without_the_script(opened: t.Callable[..., Seen]) -> None:
    seen = opened("evil roll", java_script_enabled=False)
    page = seen.page
    assert page.locator("img").count() == 0
    assert EVIL in page.locator("#hosts-table").inner_text()
    assert EVIL in page.locator("#versions-table").inner_text()
    assert len(seen.shown("#hosts-table")) == 3
    expect(page.locator("form")).to_be_hidden()


def test_it_works_without_its_script(opened: t.Callable[..., Seen]) -> None:
    seen = opened(java_script_enabled=False)
    page = seen.page
    expect(page.locator(".findings h3").first).to_be_visible()
    expect(page.locator(".locks svg").first).to_be_visible()
    assert len(seen.shown("#work-table")) == 7
    expect(page.locator("form")).to_be_hidden()
    expect(page.locator("#flame-graph")).to_be_hidden()
    page.get_by_text("The same stacks as a table").click()
    expect(page.get_by_text("The most frequent first")).to_be_visible()


#: Pages with the names that sites have; those of strangers come beside them.
PLAIN = ["incident", "guessed", "idle", "long names", "old caches", "new caches", "roll", "failed roll", "check"]


@pytest.mark.parametrize("name", [*PLAIN, "large roll", "evil", "caches", "evil roll"])
def test_no_screen_is_scrolled_sideways_and_no_word_is_broken(opened: t.Callable[..., Seen], name: str) -> None:
    page = opened(name).page
    page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
    for width in (375, 390, 1280):
        page.set_viewport_size({"width": width, "height": 800})
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        # What strangers write may be longer than a screen is wide.
        assert page.evaluate(UGLY) == [] or name not in (*PLAIN, "large roll")


def test_it_is_printed_on_white_without_what_only_a_screen_can_do(opened: t.Callable[..., Seen]) -> None:
    page = opened(color_scheme="dark").page
    page.emulate_media(media="print")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    expect(page.locator("form")).to_be_hidden()
    expect(page.locator(".findings h3").first).to_be_visible()
    expect(page.locator("#flame-graph")).to_be_visible()
    assert page.pdf()[:5] == b"%PDF-"
