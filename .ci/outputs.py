"""Execute a `run_*` notebook and keep its outputs in it, for the site, which executes nothing.

python .ci/outputs.py run_landscape model_file=results/... x=-1:1:31     the parameters as for papermill, whose defaults they leave as they are
"""

import subprocess
import sys
import tempfile
from pathlib import Path

import nbformat

ROOT = Path(__file__).resolve().parent.parent
WIDGET = "application/vnd.jupyter.widget-view+json"  # a progress bar, which means nothing when it has ended


def main():
    name, *parameters = sys.argv[1:]
    notebook, executed = ROOT / "nbs" / f"{name}.ipynb", Path(tempfile.mkdtemp()) / "executed.ipynb"
    chosen = [word for parameter in parameters for word in ("-p", *parameter.split("=", 1))]
    subprocess.run([sys.executable, "-m", "papermill", notebook, executed, *chosen], check=True, stdin=subprocess.DEVNULL)
    saved, found = nbformat.read(notebook, 4), {cell.id: cell for cell in nbformat.read(executed, 4).cells}
    for cell in saved.cells:
        if cell.cell_type != "code": continue
        cell.outputs = [output for output in found[cell.id].outputs if WIDGET not in output.get("data", {}) and output.get("name") != "stderr"]
        for output in cell.outputs:
            output.pop("execution_count", None)
            if output.output_type == "execute_result": output["execution_count"] = None
            if "text" in output: output["text"] = output["text"].replace(f"{ROOT}/", "")  # as one who stands in the checkout says it
            output.get("metadata", {}).clear()
        for before, output in zip(cell.outputs[-2::-1], cell.outputs[:0:-1]):  # what was printed line by line is one text
            if before.get("name") == output.get("name") == "stdout": before["text"] += output["text"]; cell.outputs.remove(output)
    nbformat.write(saved, notebook)
    print(f"{notebook}: {sum(len(cell.outputs) for cell in saved.cells if cell.cell_type == 'code')} outputs")


if __name__ == "__main__":
    main()
