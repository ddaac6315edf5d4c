"""Keep in a notebook the outputs that a reader should see: the site executes nothing.

python .ci/outputs.py run_landscape model_file=results/... x=-1:1:31     executes a `run_*` notebook; the parameters as for papermill, whose defaults they leave as they are
python .ci/outputs.py --tidy 05_sharpness 06_experiment                  only takes what is of a machine and a moment out of saved outputs
"""

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import nbformat

ROOT = Path(__file__).resolve().parent.parent
WIDGET = "application/vnd.jupyter.widget-view+json"  # a progress bar, which means nothing when it has ended


def without_folders(text):
    """Paths as one who stands in the checkout says them."""
    if data := os.environ.get("SAMNB_DATA"):
        text = text.replace(data, "data")
    return re.sub(
        rf"{re.escape(tempfile.gettempdir())}/tmp\w+", "FOLDER", text.replace(f"{ROOT}/", "")
    )


def tidied(outputs):
    """The same without progress bars, warnings, folders and counts; what was printed line by line is one text."""
    kept = []
    for output in outputs:
        if WIDGET in output.get("data", {}) or output.get("name") == "stderr":
            continue
        if output.output_type == "execute_result":
            output["execution_count"] = None
        if "text" in output:
            output["text"] = without_folders(output["text"])
        output.get("metadata", {}).clear()
        if kept and kept[-1].get("name") == output.get("name") == "stdout":
            kept[-1]["text"] += output["text"]
        else:
            kept.append(output)
    return kept


def executed(notebook, parameters):
    """The notebook with its outputs."""
    result = Path(tempfile.mkdtemp()) / "executed.ipynb"
    chosen = [word for parameter in parameters for word in ("-p", *parameter.split("=", 1))]
    subprocess.run(
        [sys.executable, "-m", "papermill", notebook, result, *chosen],
        check=True,
        stdin=subprocess.DEVNULL,
    )
    return nbformat.read(result, 4)


def main():
    name, *parameters = sys.argv[1:]
    for notebook in [
        ROOT / "nbs" / f"{n}.ipynb" for n in (parameters if name == "--tidy" else [name])
    ]:
        saved = nbformat.read(notebook, 4)
        found = {
            cell.id: cell
            for cell in (saved if name == "--tidy" else executed(notebook, parameters)).cells
        }
        for cell in saved.cells:
            if cell.cell_type == "code":
                cell.outputs = tidied(found[cell.id].outputs)
        saved.metadata.pop("widgets", None)  # what their outputs, which are gone, were about
        nbformat.write(saved, notebook)
        print(
            f"{notebook}: {sum(len(cell.outputs) for cell in saved.cells if cell.cell_type == 'code')} outputs"
        )


if __name__ == "__main__":
    main()
