"""What Quarto does and smalldocs does not: numbers, cross-references, citations, and equations without a network.

Works on the processed notebooks in _proc, before they are rendered, and on the pages after.
"""

import json
import re
import shutil
import subprocess
import tarfile
import tempfile
from pathlib import Path

from pybtex.database import parse_file

KINDS = {"eq": "Equation", "fig": "Figure", "tbl": "Table", "sec": "Section"}
EQUATION = re.compile(r"\$\$(.+?)\$\$[ \t]*\{#(eq-[\w-]+)\}", re.S)
LABEL = re.compile(
    r"^#\|[ \t]*label:[ \t]*((?:fig|tbl)-[\w-]+)|\{#((?:eq|fig|tbl|sec)-[\w-]+)", re.M
)
REFERENCE = re.compile(r"(?<![\w.`])@((?:eq|fig|tbl|sec)-[\w-]+)")
BRACKETED = re.compile(r"\[([^\[\]]*@[a-z]+\d{4}[^\[\]]*)\](?!\()")
KEY = re.compile(r"(-?)@([a-z]+\d{4}\w*)")
CODE = re.compile(r"(```.*?```|`[^`\n]+`)", re.S)
CDN = re.compile(r"https://cdn\.jsdelivr\.net/npm/katex@([\d.]+)/dist")


class Bibliography:
    """The entries of a BibTeX file, as text."""

    def __init__(self, file):
        self.entries = parse_file(str(file)).entries

    def authors(self, key):
        """As they are named in a sentence."""
        names = [
            " ".join(person.last_names).strip("{}")
            for person in self.entries[key].persons["author"]
        ]
        if len(names) > 2:
            return f"{names[0]} et al."
        return " and ".join(names)

    def year(self, key):
        """With a link to the list at the end of the page."""
        return f"[{self.entries[key].fields['year']}](#ref-{key})"

    def line(self, key):
        """An entry of that list."""
        fields = self.entries[key].fields
        venue = fields.get("booktitle") or fields.get("journal") or ""
        title = re.sub(r"[{}]", "", fields["title"])
        link = f" [{fields['url']}]({fields['url']})" if "url" in fields else ""
        return f"::: {{#ref-{key}}}\n{self.authors(key)} ({fields['year']}). *{title}.* {venue}.{link}\n:::"


def numbers_of(cells):
    """Label -> number, counted by kind in the order of the page."""
    counts, numbers = dict.fromkeys(KINDS, 0), {}
    for cell in cells:
        for pair in LABEL.findall("".join(cell["source"])):
            label = pair[0] or pair[1]
            kind = label.partition("-")[0]
            counts[kind] += 1
            numbers[label] = counts[kind]
    return numbers


def resolve_text(text, numbers, bibliography, cited):
    """Markdown in which every reference is a link."""

    def number(match):
        label = match[1]
        kind = KINDS[label.partition("-")[0]]
        return f"[{kind} {numbers[label]}](#{label})" if label in numbers else match[0]

    def within_brackets(match):
        def one(key):
            cited[key[2]] = None
            year = bibliography.year(key[2])
            return year if key[1] else f"{bibliography.authors(key[2])} {year}"

        return f"({KEY.sub(one, match[1])})"

    def in_a_sentence(match):
        cited[match[2]] = None
        return f"{bibliography.authors(match[2])} ({bibliography.year(match[2])})"

    text = EQUATION.sub(
        lambda m: f"::: {{#{m[2]}}}\n$${m[1].rstrip()} \\tag{{{numbers[m[2]]}}}$$\n:::", text
    )
    parts = CODE.split(text)
    for i in range(0, len(parts), 2):
        part = REFERENCE.sub(number, parts[i])
        part = BRACKETED.sub(within_brackets, part)
        parts[i] = re.sub(r"(?<![\w/.`])" + KEY.pattern, in_a_sentence, part)
    return "".join(parts)


def resolve_page(path, bibliography):
    """Number what a page labels, and resolve what it refers to."""
    notebook = json.loads(path.read_text(encoding="utf-8"))
    cells, cited = notebook["cells"], {}
    numbers = numbers_of(cells)
    for cell in cells:
        source = "".join(cell["source"])
        if cell["cell_type"] == "markdown":
            cell["source"] = resolve_text(source, numbers, bibliography, cited)
        elif cell["cell_type"] == "code":

            def caption(match):
                text = resolve_text(match[0], numbers, bibliography, cited)
                return re.sub(r"\[([^\]]+)\]\(#[^)]*\)", r"\1", text)

            cell["source"] = re.sub(r"^#\|[ \t]*(?:fig|tbl)-cap:.*$", caption, source, flags=re.M)
    if cited:
        text = "\n\n".join(["## References", *map(bibliography.line, sorted(cited))])
        cells.append({"cell_type": "markdown", "id": "references", "metadata": {}, "source": text})
    path.write_text(json.dumps(notebook, indent=1, ensure_ascii=False), encoding="utf-8")


def resolve(folder):
    """All pages of the processed site."""
    bibliography = Bibliography(folder / "references.bib")
    for path in folder.glob("*.ipynb"):
        resolve_page(path, bibliography)


def typeset(docs):
    """Serve KaTeX with the pages instead of from its network; says what stays outside."""
    pages = list(docs.rglob("*.html"))
    versions = {
        found[1] for page in pages if (found := CDN.search(page.read_text(encoding="utf-8")))
    }
    for version in versions:
        with tempfile.TemporaryDirectory() as folder:
            command = ["npm", "pack", "--silent", f"katex@{version}"]
            if not shutil.which("npm") or subprocess.run(command, cwd=folder).returncode:
                print("equations are typeset with a network only: npm has no KaTeX here")
                return
            with tarfile.open(next(Path(folder).glob("*.tgz"))) as archive:
                archive.extractall(folder, filter="data")
            target = docs / "site_libs" / "katex"
            shutil.copytree(Path(folder) / "package" / "dist", target, dirs_exist_ok=True)
    for page in pages:
        up = "../" * (len(page.relative_to(docs).parts) - 1)
        text = page.read_text(encoding="utf-8")
        page.write_text(CDN.sub(f"{up}site_libs/katex", text), encoding="utf-8")
