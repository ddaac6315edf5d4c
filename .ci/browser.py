"""The site and the panels as a visitor sees them: headless Chromium on what `.ci/site.py` has built, and on a real JupyterLab.

python .ci/browser.py [site] [lab] [--pictures FOLDER]   both, unless one is named; FOLDER gets pictures of what was seen
python .ci/browser.py --which                            names the browser that would be used
"""

import argparse
import functools
import http.server
import json
import os
import re
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import nbformat
from playwright.sync_api import expect, sync_playwright

ROOT = Path(__file__).resolve().parent.parent
SITE = ROOT / "_proc" / "_docs"
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
OPTIONS = "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking --disable-component-update --disable-sync".split()
# The whole outside world of the site: fonts of the two themes, and KaTeX, which sets the equations. Nothing of it is loaded
# here, so that a test says the same with and without a network; a page that wants anything else fails.
OUTSIDE = {"fonts.googleapis.com", "cdn.jsdelivr.net"}
WIDTHS = {"phone": (390, 844), "desktop": (1280, 900)}


class Watch:
    """Collects what goes wrong on the pages of a browser context, and keeps them from leaving this machine."""

    def __init__(self, context):
        self.wrong = []
        context.route("**/*", self.route)
        context.on("console", self.console)
        context.on("weberror", lambda error: self.wrong.append(f"{error.page.url}: {error.error}"))

    def route(self, route):
        url = urlsplit(route.request.url)
        if url.hostname in ("127.0.0.1", None):
            return route.continue_()
        if url.hostname not in OUTSIDE:
            self.wrong.append(f"{route.request.frame.url} wants {route.request.url}")
        route.abort()

    def console(self, message):
        if message.type == "error" and urlsplit(message.location["url"]).hostname not in OUTSIDE:
            self.wrong.append(f"{message.page.url}: {message.text} ({message.location['url']})")


@contextmanager
def served(folder):
    """The address at which a folder is served."""

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *args):
            pass

    server = http.server.ThreadingHTTPServer(
        ("127.0.0.1", 0), functools.partial(Quiet, directory=folder)
    )
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()


def look(page, name):
    """What is wrong with a page as it is shown."""
    page.evaluate(
        "document.querySelectorAll('img[loading=lazy]').forEach(image => image.loading = 'eager')"
    )
    page.wait_for_function("[...document.images].every(image => image.complete)")
    broken = page.evaluate(
        "[...document.images].filter(image => !image.naturalWidth).map(image => image.src.slice(0, 100))"
    )
    yield from (f"{name}: an image does not load: {source}" for source in broken)
    if (
        beyond := page.evaluate(
            "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        )
    ) > 0:
        yield f"{name}: the page is {beyond} pixels wider than the window"
    unnamed = page.evaluate(
        "[...document.querySelectorAll('main img')].filter(image => !image.alt).length"
    )
    if unnamed:
        yield f"{name}: {unnamed} images without a text in their place"
    twice = page.evaluate(
        "(ids => [...new Set(ids.filter((id, i) => ids.indexOf(id) !== i))])"
        "([...document.querySelectorAll('main [id]')].map(element => element.id))"
    )
    yield from (f"{name}: two elements have the id {id}" for id in twice)


def search(page, width):
    """Type into the search box and go where it says."""
    if width == "phone":
        page.locator(".navbar-toggler").click()
    page.get_by_role("searchbox").fill("closed form")
    found = page.locator(".smalldocs-search-results a")
    expect(found.first).to_be_visible()
    hrefs = [link.get_attribute("href") for link in found.all()]
    if not any("closed_form" in href for href in hrefs):
        return [f"search for 'closed form' finds {hrefs}"]
    found.first.click()
    page.wait_for_load_state()
    return (
        []
        if "closed form" in page.locator("main").inner_text().lower()
        else [f"search leads to {page.url}, which says nothing of it"]
    )


def site(browser, pictures):
    """Every page at two widths; and what a visitor does: search, read on, change to dark."""
    pages = sorted(path.name for path in SITE.glob("*.html"))
    wrong = [
        f"no page of {path.name}"
        for path in sorted((ROOT / "nbs").glob("*.ipynb"))
        if path.with_suffix(".html").name not in pages
    ]
    with served(SITE) as address:
        for width, (w, h) in WIDTHS.items():
            context = browser.new_context(viewport={"width": w, "height": h})
            watch, page = Watch(context), context.new_page()
            for name in pages:
                page.goto(address + name)
                wrong += look(page, f"{name} ({width})")
                if pictures:
                    page.screenshot(path=pictures / f"{Path(name).stem}_{width}.png")
            page.goto(address + "00_sam.html")
            if not re.search(
                r"def\s+SAM\(.{0,300}?rho:\s*float\s*=\s*0\.05",
                page.locator("main").inner_text(),
                re.S,
            ):
                wrong.append("00_sam.html shows no typed signature of SAM")
            page.goto(address + "index.html")
            wrong += search(page, width)
            page.goto(address + "index.html")
            page.locator("main").get_by_role("link", name="report").first.click()
            expect(page.locator("h1")).to_have_text("Report")
            if width == "phone":
                page.locator(".navbar-toggler").click()
            page.locator(".quarto-color-scheme-toggle:visible").first.click()
            for part in ("body", "#quarto-sidebar"):
                page.wait_for_function(
                    "part => getComputedStyle(document.querySelector(part)).backgroundColor.match(/\\d+/g).slice(0, 3).every(part => part < 80)",
                    arg=part,
                )
            if pictures:
                page.screenshot(path=pictures / f"dark_{width}.png")
            wrong += watch.wrong
            context.close()
    return wrong, f"{len(pages)} pages at {len(WIDTHS)} widths"


EXPLORE = """
from samnb.config import Config
from samnb.experiment import load_run, run
from samnb.pictures import explore

nets, small = {}, dict(dataset="toy", seq_len=64, horizon=8, value_dim=8, rho=0.5, lr=5e-3, max_epochs=4)
for name, use_sam in (("with SAM", True), ("without SAM", False)):
    nets[name], (train, _, _), _ = load_run(run(Config(use_sam=use_sam, **small), progress=False).run_dir)
explore(nets, train)
"""
LAUNCH = """
from concurrent.futures import ThreadPoolExecutor
from unittest import mock
from samnb.panels import launch
from samnb.sweep import sweep

grid = dict(model="linear", dataset=["toy", "missing.csv"], seq_len=16, horizon=4, max_epochs=1, use_sam=False)
with mock.patch("samnb.experiment.run_figures", return_value={}):
    sweep(grid | {"seed": [*range(1, 9)]}, ThreadPoolExecutor(1))
launch()
"""


@contextmanager
def jupyterlab(folder, notebooks):
    """The address of a JupyterLab of our own, with these notebooks in `folder`, as (path -> address)."""
    work, kernel = (
        folder / "notebooks",
        {"kernelspec": {"name": "python3", "display_name": "Python 3"}},
    )
    work.mkdir()
    for name, source in notebooks.items():
        nbformat.write(
            nbformat.v4.new_notebook(
                cells=[nbformat.v4.new_code_cell(source.strip())], metadata=kernel
            ),
            work / name,
        )
    settings = folder / "settings" / "@jupyterlab" / "apputils-extension"
    settings.mkdir(parents=True)
    (settings / "notification.jupyterlab-settings").write_text(
        json.dumps({"fetchNews": "false", "checkForUpdates": False})
    )
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    token, log = secrets.token_hex(16), open(folder / "lab.log", "w")
    own = {
        "JUPYTER_CONFIG_DIR": folder / "config",
        "JUPYTER_RUNTIME_DIR": folder / "runtime",
        "IPYTHONDIR": folder / "ipython",
        "JUPYTERLAB_SETTINGS_DIR": folder / "settings",
        "JUPYTERLAB_WORKSPACES_DIR": folder / "workspaces",
        "SAMNB_RESULTS": folder / "results",
    }
    command = [
        sys.executable,
        "-m",
        "jupyterlab",
        "--no-browser",
        "--allow-root",
        "--ip=127.0.0.1",
        f"--port={port}",
        "--ServerApp.port_retries=0",
        f"--IdentityProvider.token={token}",
        f"--ServerApp.root_dir={work}",
    ]
    server = subprocess.Popen(
        command,
        env=os.environ | {name: str(path) for name, path in own.items()},
        stdout=log,
        stderr=log,
        stdin=subprocess.DEVNULL,
    )
    try:
        for _ in range(240):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            if server.poll() is not None:
                break
            time.sleep(0.25)
        else:
            raise TimeoutError("JupyterLab did not start in a minute")
        yield lambda name: f"http://127.0.0.1:{port}/lab/tree/{name}?token={token}&reset"
    except BaseException:
        print((folder / "lab.log").read_text()[-3000:])
        raise
    finally:
        server.terminate()
        try:
            server.wait(20)
        except subprocess.TimeoutExpired:
            server.kill()
        log.close()


def run_all(page, address):
    """Open a notebook and run its cells."""
    page.goto(address)
    page.locator(".jp-Notebook .jp-Cell").first.wait_for(timeout=60000)
    page.locator("#jp-bottom-panel, #jp-main-statusbar").get_by_text("(ipykernel) | Idle").wait_for(
        timeout=60000
    )  # before, it would ask for a kernel
    page.get_by_role("menuitem", name="Run", exact=True).click()
    page.get_by_role("menuitem", name="Run All Cells", exact=True).click()


def picture_after(page, image, act):
    """Do something, wait until an image is another one, and see that it is loaded."""
    before = image.get_attribute("src")
    act()
    expect(image).not_to_have_attribute("src", before, timeout=30000)
    page.wait_for_function(
        "image => image.complete && image.naturalWidth > 100", arg=image.element_handle()
    )


def widget(page, description):
    """The widget with this description."""
    return page.locator(
        ".jupyter-widgets.widget-inline-hbox",
        has=page.locator(f".widget-label:text-is('{description}')"),
    )


def drive_explore(page, address):
    """Cut through another point, change the levels, and move the plane: the pictures follow."""
    run_all(page, address("explore.ipynb"))
    contours, cuts = (
        page.locator("img.widget-image").nth(0),
        page.locator("img.widget-image").nth(1),
    )
    contours.wait_for(timeout=90000)

    def press(description, key, times=1):
        return [
            widget(page, description).locator(".noUi-handle").first.press(key) for _ in range(times)
        ]

    picture_after(page, cuts, lambda: press("point a", "ArrowRight"))
    picture_after(
        page, contours, lambda: widget(page, "style").locator("select").select_option("lines")
    )
    picture_after(
        page, contours, lambda: widget(page, "style").locator("select").select_option("filled")
    )
    picture_after(page, contours, lambda: page.get_by_label("logarithmic").check())
    picture_after(page, contours, lambda: press("levels", "ArrowLeft"))
    message = page.locator(".widget-html", has_text="samples")
    picture_after(
        page, contours, lambda: press("turn (°)", "ArrowRight")
    )  # computed anew; the sentence may come out the same
    said = message.inner_text()
    return (
        []
        if re.search(
            r"256 of 4,000 samples, 25 x 25 points, closed form( in float64)?, [\d.]+ s$", said
        )
        else [f"explore says {said!r}"]
    )


def drive_launch(page, address):
    """A bad value is a sentence; a good one a run, with its curve and its line in the table, which sorts."""
    run_all(page, address("launch.ipynb"))

    def button(name):
        return page.locator("button.jupyter-button", has_text=re.compile(rf"^\s*{name}\s*$"))

    button("Run").wait_for(timeout=60000)

    def fill(description, text):
        return widget(page, description).locator("input[type=text]").fill(text)

    fill("rho", "-1")
    button("Run").click()
    expect(page.get_by_text("rho must be at least 0, got -1")).to_be_visible()
    fill("model", "linear")
    for description, text in {
        "data": "toy",
        "rho": "0.05",
        "seeds": "1, 2",
        "epochs": "3",
        "more": "seq_len=32 horizon=4",
    }.items():
        fill(description, text)
    page.get_by_role("checkbox", name="SAM").uncheck()
    button("Run").click()
    expect(button("Stop")).to_be_enabled()
    page.get_by_text("2 of 2 done.").wait_for(timeout=90000)
    expect(button("Run")).to_be_enabled()
    page.wait_for_function(
        "image => image.complete && image.naturalWidth > 100",
        arg=page.locator("img.widget-image").element_handle(),
    )

    head = page.locator("table.dataTable thead th")

    def column(name):
        """What the table shows, from top to bottom."""
        page.wait_for_timeout(500)
        place = head.all_inner_texts().index(name) + 1
        return page.locator(f"table.dataTable tbody td:nth-child({place})").all_inner_texts()

    wrong, models = [], column("model")
    if head.first.bounding_box()["height"] < 10:
        wrong.append("the head of the table has no height")
    if len(models) != 10:
        wrong.append(f"the first page of the table shows {len(models)} runs of 20")
    if "of 20 entries" not in page.locator(".dt-info").inner_text():
        wrong.append(f"the table says {page.locator('.dt-info').inner_text()}")
    for reverse in (False, True):
        head.filter(has_text="mse").click()
        shown = column("mse")
        values = [float(v) for v in shown if v]
        if values != sorted(values, reverse=reverse):
            wrong.append(f"after a click on mse the table has {values}")
        # empty cells, of a run that failed, come after the smallest errors
        if reverse != (shown[0] == ""):
            wrong.append(f"after a click on mse the column is {shown}")
    fill("data", "nowhere.csv")
    button("Run").click()
    expect(page.get_by_text("no data set 'nowhere.csv'")).to_be_visible()
    with tempfile.NamedTemporaryFile("w", suffix=".csv", delete=False) as unusable:
        unusable.write("a,b\n1,x\n2,y\n")
    fill("data", unusable.name)
    button("Run").click()
    page.get_by_text("0 of 2 done, 2 failed.").wait_for(timeout=90000)
    if page.locator("img.widget-image").is_visible():
        wrong.append("a run that failed leaves the curves of the runs before")
    expect(button("Run")).to_be_enabled()
    fill("data", "toy")
    button("Run").click()
    page.get_by_text("2 of 2 done.").wait_for(timeout=90000)
    expect(page.locator("img.widget-image")).to_be_visible()
    return wrong


def lab(browser, pictures):
    """`explore` and `launch` in JupyterLab."""
    wrong, folder = [], Path(tempfile.mkdtemp())
    try:
        with jupyterlab(folder, {"explore.ipynb": EXPLORE, "launch.ipynb": LAUNCH}) as address:
            for drive in (drive_explore, drive_launch):
                context = browser.new_context(viewport={"width": 1400, "height": 1000})
                watch, page = Watch(context), context.new_page()
                try:
                    wrong += drive(page, address)
                finally:
                    if pictures:
                        page.screenshot(path=pictures / f"{drive.__name__}.png")
                if pictures:
                    page.locator(".jp-OutputArea-output .jupyter-widgets").first.screenshot(
                        path=pictures / f"{drive.__name__.removeprefix('drive_')}.png"
                    )
                wrong += watch.wrong
                context.close()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return wrong, "explore and launch in JupyterLab"


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("parts", nargs="*", metavar="PART", help="site, lab")
    parser.add_argument("--pictures", type=Path)
    parser.add_argument("--which", action="store_true")
    args = parser.parse_args()
    program = next(filter(None, map(shutil.which, BROWSERS)), None)
    if program is None:
        sys.exit(f"no browser: none of {', '.join(BROWSERS)} is installed")
    if args.which:
        return print(program)
    if args.pictures:
        args.pictures.mkdir(parents=True, exist_ok=True)
    failed = False
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=OPTIONS)
        for part in [part for part in (site, lab) if not args.parts or part.__name__ in args.parts]:
            started = time.monotonic()
            wrong, seen = part(browser, args.pictures)
            print(
                "\n".join(wrong) or f"{seen}: nothing wrong",
                f"({time.monotonic() - started:.0f} s)",
            )
            failed |= bool(wrong)
        browser.close()
    return failed


if __name__ == "__main__":
    sys.exit(main())
