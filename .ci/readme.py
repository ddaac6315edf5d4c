"""README.md, made from nbs/index.ipynb, so that the two never differ.

python .ci/readme.py              writes README.md, and the figures it shows to nbs/images/
python .ci/readme.py --check      exits 1 when they are not what the notebook makes
python .ci/readme.py --command 2  prints the second command that the README gives (its second `sh` block); 0: how many there are
"""

import argparse
import posixpath
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
README = ROOT / "README.md"
SOURCE = ROOT / "nbs" / "index.ipynb"
IMAGES = ROOT / "nbs" / "images"
FIGURE = "index_output_"  # how the name of a figure that comes from an output begins: it is ours to delete
DROPPED = {"hide", "export", "exporti", "default_exp", "include: false"}
FENCED = re.compile(r"(^```.*?^```$)", re.M | re.S)


def read(cell):
    """The cell as a reader of the README should see it, or None."""
    if cell.cell_type == "markdown":
        cell.source = "".join(
            part if part.startswith("```") else prose(part) for part in FENCED.split(cell.source)
        )
        return cell
    if cell.cell_type != "code":
        return None
    if written := re.match(r"%%writefile (\S+)\n(.*)", cell.source, re.S):
        return as_command(*written.groups())
    directives = {d.strip() for d in re.findall(r"^#\|(.*)", cell.source, re.M)}
    if any(d in DROPPED or d.split()[0] in DROPPED for d in directives if d):
        return None
    if caption := re.search(r"^#\| *fig-(?:alt|cap): *[\"']?(.*?)[\"']? *$", cell.source, re.M):
        cell.metadata["caption"] = caption[1]
    cell.source = re.sub(r"^#\|.*\n?", "", cell.source, flags=re.M).strip("\n")
    if "output: false" in directives:
        cell.outputs = []
    cell.metadata["transient"] = {"remove_source": "echo: false" in directives or not cell.source}
    return cell


def as_command(name, content):
    """A cell that writes a file, as a command of the shell that does."""
    from nbformat.v4 import new_markdown_cell

    return new_markdown_cell(f"```sh\ncat > {name} <<'END'\n{content}\nEND\n```")


def prose(text):
    """Markdown without what only Quarto reads, its relative links seen from the top folder."""
    if quarto_only := re.search(r"\[@\w[^\]]*\]|(?<!\w)@(?:eq|fig|sec|tbl)-[\w-]+", text):
        sys.exit(
            f"nbs/index.ipynb: {quarto_only[0]} means nothing in README.md; write a link there."
        )
    text = re.sub(r"^:::.*\n?", "", text, flags=re.M)
    text = re.sub(r"(\]\([^)\s]+\))\{[^}\n]*\}", r"\1", text)
    return re.sub(
        r"\]\((?![a-z]+:|#|/)([^)\s]+)", lambda m: f"]({posixpath.normpath('nbs/' + m[1])}", text
    )


def make():
    """The text of README.md and its figures {name: bytes}."""
    import nbformat
    from nbconvert import MarkdownExporter
    from traitlets.config import Config

    notebook = nbformat.read(SOURCE, as_version=4)
    notebook.cells = [cell for cell in map(read, notebook.cells) if cell]
    notebook.metadata["language_info"] = {
        "name": "python"
    }  # nbdev_clean removes it, and the fences would name no language
    config = Config(
        {
            "ExtractOutputPreprocessor": {
                "output_filename_template": FIGURE + "{cell_index}_{index}{extension}"
            }
        }
    )
    text, resources = MarkdownExporter(config=config).from_notebook_node(
        notebook, {"output_files_dir": "nbs/images"}
    )
    figures = {Path(name).name: data for name, data in resources["outputs"].items()}
    text = re.sub(
        rf"!\[\w+\]\((nbs/images/{FIGURE}(\d+)_)",
        lambda m: f"![{notebook.cells[int(m[2])].metadata.get('caption', '')}]({m[1]}",
        text,
    )
    text = re.sub(r"[ \t]+$", "", text, flags=re.M)
    # Blank lines are squeezed outside code only.
    text = "".join(
        part if part.startswith("```") else re.sub(r"\n{3,}", "\n\n", part)
        for part in FENCED.split(text)
    )
    return text.strip() + "\n", figures


def saved_figures():
    return {path.name: path.read_bytes() for path in IMAGES.glob(FIGURE + "*")}


def commands():
    return re.findall(r"^```sh\n(.*?)\n```$", README.read_text(encoding="utf-8"), re.M | re.S)


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--command", type=int, metavar="N")
    args = parser.parse_args()
    if args.command is not None:
        return print(commands()[args.command - 1] if args.command else len(commands()))
    text, figures = make()
    if args.check:
        if (
            not README.exists()
            or README.read_text(encoding="utf-8") != text
            or saved_figures() != figures
        ):
            sys.exit(
                "README.md is not what nbs/index.ipynb makes: run `python .ci/readme.py` and commit what it writes."
            )
        return
    README.write_text(text, encoding="utf-8")
    for stale in saved_figures().keys() - figures.keys():
        (IMAGES / stale).unlink()
    for name, data in figures.items():
        IMAGES.mkdir(exist_ok=True)
        (IMAGES / name).write_bytes(data)


if __name__ == "__main__":
    main()
