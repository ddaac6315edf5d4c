"""Build the site without Quarto, into _proc/_docs, and name everything in it that leads nowhere.

nbdev turns the notebooks into the pages of _proc and smalldocs renders them. What it does not do of Quarto's work
(numbers, cross-references, citations) .ci/preview.py does; that each has a target is checked in the notebooks themselves.
"""

import configparser
import json
import re
import sys
from pathlib import Path
from urllib.parse import unquote

import preview
from nbdev.serve import proc_nbs
from smalldocs.site import build

NBS = Path(__file__).resolve().parent.parent / "nbs"
ID = re.compile(r"""\bid=["']([^"']+)""")
HREF = re.compile(r"""<a\b[^>]*?\bhref=["']([^"']+)""")
TARGET = re.compile(r"\{#((?:eq|fig|sec|tbl)-[\w-]+)|^#\|\s*label:\s*(\S+)", re.M)
REFERENCE = re.compile(r"(?<![\w.`])@((?:eq|fig|sec|tbl)-[\w-]+)")
CITATION = re.compile(r"@([a-z]+\d{4}\w*)")


def notebooks():
    """(name, {"markdown": [source, ...], "code": [source, ...]}) of each notebook."""
    for path in sorted(NBS.glob("*.ipynb")):
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        yield (
            path.name,
            {
                kind: ["".join(c["source"]) for c in cells if c["cell_type"] == kind]
                for kind in ("markdown", "code")
            },
        )


def flagged():
    """Cells that tests leave out: Run All starts them, and nobody sees when they break."""
    for name, cells in notebooks():
        for source in cells["code"]:
            if flag := re.search(r"^#\| *(slow|cuda|notest)\b", source, re.M):
                yield f"{name}: a cell flagged {flag[1]}: {source.splitlines()[1]}"


def unresolved():
    """Citations that are not in references.bib, cross-references without a label."""
    known = set(
        re.findall(r"^@\w+\{([^,]+),", (NBS / "references.bib").read_text(encoding="utf-8"), re.M)
    )
    for name, cells in notebooks():
        sources = {kind: "\n\n".join(texts) for kind, texts in cells.items()}
        labels = {label for pair in TARGET.findall("\n".join(sources.values())) for label in pair}
        yield from (
            f"{name}: no entry {key} in references.bib"
            for key in CITATION.findall(sources["markdown"])
            if key not in known
        )
        yield from (
            f"{name}: nothing is labelled {key}"
            for key in REFERENCE.findall(sources["markdown"])
            if key not in labels
        )


def wrong_badges():
    """Chapters that do not open themselves in Colab, or do not fetch there what they need."""
    settings = configparser.ConfigParser()
    settings.read(NBS.parent / "settings.ini")
    repository = "{user}/{repo}".format(**settings["DEFAULT"])
    for name, cells in notebooks():
        if name == "index.ipynb":
            continue
        link = f"https://colab.research.google.com/github/{repository}/blob/{settings['DEFAULT']['branch']}/nbs/{name}"
        if not any(source.endswith(f"]({link})") for source in cells["markdown"]):
            yield f"{name}: no link to {link}"
        if not any(f"https://github.com/{repository} /content/" in c for c in cells["code"][:2]):
            yield f"{name}: its first code cells do not fetch {repository} on Colab"


def lost_outputs():
    """Figures that are announced and not there, notebooks of results that show none, and outputs that name a folder of the machine they were made on."""
    for path in sorted(NBS.glob("*.ipynb")):
        cells = [
            c
            for c in json.loads(path.read_text(encoding="utf-8"))["cells"]
            if c["cell_type"] == "code"
        ]
        for cell in cells:
            source, kinds = (
                "".join(cell["source"]),
                {kind for output in cell["outputs"] for kind in output.get("data", {})},
            )
            if re.search(r"^#\|\s*fig-(cap|alt):", source, re.M) and not kinds & {
                "image/png",
                "text/html",
            }:
                yield f"{path.name}: a figure has a caption and no saved output: {source.splitlines()[0]}"
            if found := re.search(r"(/root|/work|/tmp)/[\w.]+", json.dumps(cell["outputs"])):
                yield f"{path.name}: a saved output names {found[0]}"
        if path.name.startswith(("run_", "report", "benchmark")) and not any(
            cell["outputs"] for cell in cells
        ):
            yield f"{path.name}: no saved outputs"


def lost_anchors(out):
    """Links to a heading, in the same page or another, that is not there."""
    pages = {path.resolve(): path.read_text(encoding="utf-8") for path in out.rglob("*.html")}
    ids = {path: set(ID.findall(text)) for path, text in pages.items()}
    for path, text in pages.items():
        for href in HREF.findall(text):
            file, _, anchor = href.partition("#")
            target = (path.parent / unquote(file)).resolve() if file else path
            if anchor and target in ids and unquote(anchor) not in ids[target]:
                yield f"{path.name}: no anchor {href}"


def main():
    """Build, and name what is wrong."""
    folder = Path(proc_nbs(force=True))
    preview.resolve(folder)
    site = build(folder, quiet=True)
    preview.typeset(Path(site.out))
    wrong = [line for line in site.warnings if "broken link" in line]
    wrong += [*flagged(), *unresolved(), *wrong_badges(), *lost_outputs(), *lost_anchors(site.out)]
    print("\n".join(wrong) or f"{len(site.pages)} pages, every link leads somewhere")
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main())
