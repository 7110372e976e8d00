"""The page in a real browser (Chromium): nothing fails, and everything that can be used works."""

import shutil

import pytest

sync_api = pytest.importorskip("playwright.sync_api", reason="needs pip install playwright")
expect = sync_api.expect
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium, as apt-get install chromium installs it")
PHONE = {"viewport": {"width": 390, "height": 844}, "is_mobile": True, "has_touch": True}
WIDE = {"viewport": {"width": 1300, "height": 900}}


@pytest.fixture(scope="module")
def browser():
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def open_page(browser, comparison):
    """Open the page from disk; the network is off, and any error on the page fails the test."""
    contexts, problems = [], []

    def open_in(**options):
        context = browser.new_context(offline=True, **(options or WIDE))
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.on("console", lambda message: problems.append(message.text) if message.type == "error" else None)
        page.on("request", lambda request: problems.append(request.url) if request.url.startswith("http") else None)
        page.goto((comparison / "index.html").as_uri())
        return page

    yield open_in
    for context in contexts:
        context.close()
    assert problems == []


def test_the_page_opens_without_a_network_and_without_errors(open_page):
    page = open_page()
    expect(page.locator("h1")).to_have_text("Small comparison")
    expect(page.locator("#image-right")).to_be_visible()
    assert page.evaluate("document.getElementById('image-right').naturalWidth") == 80
    assert page.evaluate("[...document.images].every((image) => image.complete)")


def test_the_line_moves_by_mouse_and_by_keys(open_page):
    page = open_page()
    handle, stage = page.locator("#handle"), page.locator("#stage").bounding_box()
    box = handle.bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + 20)
    page.mouse.down()
    page.mouse.move(stage["x"] + stage["width"] * 0.25, stage["y"] + 20)
    page.mouse.up()
    expect(handle).to_have_attribute("aria-valuenow", "25")
    clip = page.evaluate("getComputedStyle(document.getElementById('image-right')).clipPath")
    assert clip == "inset(0px 0px 0px 25%)" or float(clip.split()[-1].rstrip("%)")) == pytest.approx(25, abs=0.2)
    handle.press("ArrowRight")
    expect(handle).to_have_attribute("aria-valuenow", "27")
    handle.press("End")
    expect(handle).to_have_attribute("aria-valuenow", "100")


def test_keys_change_model_picture_degradation_and_mode(open_page):
    page = open_page()
    viewer, right = page.locator("#viewer"), page.locator("#right")
    viewer.focus()
    chosen = lambda: right.evaluate("select => select.selectedOptions[0].text")  # noqa: E731
    assert chosen() == "<failing>"
    viewer.press("ArrowLeft")
    assert chosen() == "student"
    source = page.locator("#image-right").get_attribute("src")
    viewer.press("ArrowDown")
    expect(page.locator("#thumbs [aria-pressed=true]")).to_have_attribute("aria-label", "wide")
    assert page.locator("#image-right").get_attribute("src") != source
    before = page.locator("#setting-name").inner_text()
    viewer.press("]")
    assert page.locator("#setting-name").inner_text() != before
    viewer.press("f")
    expect(viewer).to_have_class("viewer flip")
    expect(page.locator("#handle")).to_be_hidden()


def test_a_failed_model_says_so_in_its_place(open_page):
    page = open_page()
    page.locator("#viewer").press("ArrowDown")
    expect(page.locator("#broken")).to_have_text("<failing> failed: RuntimeError: wider than 24 pixels")
    expect(page.locator(".tile", has_text="<failing>")).to_contain_text("failed")


def test_a_click_moves_the_same_square_in_every_model(open_page):
    page = open_page()
    page.locator("input[value='8']").evaluate("input => input.click()")
    positions = "[...document.querySelectorAll('.tile div')].map((tile) => tile.style.backgroundPosition)"
    before = page.evaluate(positions)
    stage = page.locator("#stage").bounding_box()
    page.locator("#stage").click(position={"x": stage["width"] * 0.8, "y": stage["height"] * 0.8})
    after = page.evaluate(positions)
    assert len(after) == 5
    assert len(set(after)) == 1
    tops = [tile.bounding_box()["y"] for tile in page.locator(".tile div").all()[:2]]
    assert tops[0] == tops[1]
    assert after != before


def test_sets_without_gt_have_no_gt_to_show(open_page):
    page = open_page()
    page.locator("#set").select_option(label="real")
    assert page.locator("#left option").all_inner_texts() == ["LQ", "bicubic", "student", "<failing>"]
    expect(page.locator("#setting-field")).to_be_hidden()


def test_a_table_sorts_by_the_column_that_is_clicked(open_page):
    page = open_page()
    table = page.locator("table.sortable").first
    head = table.locator("thead button", has_text="PSNR")
    column = table.locator("tbody td:nth-child(2) > span, .published td:nth-child(2)")

    def values():
        return [float(cell) for cell in column.all_inner_texts()]

    head.click()
    assert values() == sorted(values())
    expect(table.locator("th", has_text="PSNR")).to_have_attribute("aria-sort", "ascending")
    head.press("Enter")
    assert values() == sorted(values(), reverse=True)
    table.locator("thead button", has_text="Model").click()
    names = table.locator("tbody th").all_inner_texts()
    assert len(names) == 3 + 8
    assert names[0].startswith("<failing>")


def test_a_crop_opens_in_the_viewer(open_page):
    page = open_page()
    link = page.locator(".crop .link").last
    data = {name: link.get_attribute(f"data-{name}") for name in ("set", "image")}
    link.click()
    assert page.locator("#set").input_value() == data["set"]
    expect(page.locator("#thumbs button").nth(int(data["image"]))).to_have_attribute("aria-pressed", "true")


def test_light_and_dark_follow_the_system_and_the_button(open_page):
    page = open_page(**WIDE, color_scheme="dark")
    background = lambda: page.evaluate("getComputedStyle(document.body).backgroundColor")  # noqa: E731
    assert background() == "rgb(16, 18, 22)"
    page.locator("#theme").click()
    assert background() == "rgb(250, 250, 247)"
    page.reload()
    assert background() == "rgb(250, 250, 247)"


def test_a_phone_shows_it_without_scrolling_sideways(open_page):
    page = open_page(**PHONE)
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    stage, tiles = page.locator("#stage").bounding_box(), page.locator("#tiles").bounding_box()
    assert tiles["y"] > stage["y"] + stage["height"]
    page.locator("#stage").tap(position={"x": 5, "y": 5})
    lens, stage = page.locator("#lens").bounding_box(), page.locator("#stage").bounding_box()
    assert (lens["x"], lens["y"]) == pytest.approx((stage["x"], stage["y"]), abs=1)


def test_everything_has_a_name_for_screen_readers(open_page):
    page = open_page()
    nameless = """[...document.querySelectorAll('button, select, input, img, [role=slider]')].filter((element) =>
        !(element.getAttribute('aria-label') || element.textContent.trim() || element.labels?.length
          || element.hasAttribute('alt'))).map((element) => element.outerHTML)"""
    assert page.evaluate(nameless) == []
    assert page.evaluate("[...document.querySelectorAll('table')].every((table) => table.caption)")
    assert page.evaluate("[...document.querySelectorAll('th')].every((head) => head.scope)")
