"""The newest run folder below a folder is complete and has these values.

python .ci/run_folder.py results rho=0.5 use_sam=False
"""

import ast
import json
import sys
from pathlib import Path

results, *overrides = sys.argv[1:]
configs = sorted(Path(results).rglob("config.json"), key=lambda path: path.stat().st_mtime)
if not configs:
    sys.exit(f"no run folder below {results}")
folder = configs[-1].parent
config = json.loads(configs[-1].read_text(encoding="utf-8"))
wrong = [
    f"{folder} lacks {name}"
    for name in ("run.log", "metrics.csv", "summary.json")
    if not (folder / name).is_file()
]
wrong += [
    f"{folder} holds no {glob}"
    for glob in ("final_model_s*.pt", "saved_models/epoch_*.pt", "plots/*.png")
    if not any(folder.glob(glob))
]
for name, value in (item.split("=") for item in overrides):
    if config.get(name) != ast.literal_eval(value):
        wrong.append(f"config.json has {name}={config.get(name)!r}, not {value}")
sys.exit("\n".join(wrong) or None)
