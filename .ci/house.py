"""The order of the house, read from the sources: who may import whom, how much is public, how deep classes go.

python .ci/house.py          names what is out of order, and exits 1 then
python .ci/house.py --face   what `import samnb` costs and brings, in processes of their own
"""

import ast
import json
import statistics
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
ORDER = """sam variants samformer series closed_form forecasts vgg images data losses engine trackers trainers rho evaluator landscape pictures
minima hessian sharpness config experiment sweep tables studies panels command_line""".split()
ANNEXES = ("files", "cpu", "csv_files", "picture_folders", "names")
LIGHT = ("sam", "variants", "trainers")  # import torch and numpy, and nothing else of weight
# tqdm is not among them: torch imports it
HEAVY = ("pandas", "matplotlib", "scipy", "sklearn", "torchvision", "h5py", "filelock")
DEEPEST = 2  # classes of ours above a class, below those of libraries
PUBLIC = 180


def modules():
    """(name, syntax tree) of each module."""
    for path in sorted((ROOT / "samnb").glob("*.py")):
        if not path.stem.startswith("_"):
            yield path.stem, ast.parse(path.read_text(encoding="utf-8"))


def imported(tree):
    """The modules of ours that a module imports, anywhere in it."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.level:
            yield from [node.module] if node.module else [alias.name for alias in node.names]
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("samnb."):
            yield node.module.partition(".")[2]


def out_of_order():
    """Imports of what stands later in the order, of which an annex has none."""
    for name, tree in modules():
        if name not in (*ORDER, *ANNEXES):
            yield f"samnb/{name}.py has no place in the order of .ci/house.py"
            continue
        allowed = () if name in ANNEXES else (*ANNEXES, *ORDER[: ORDER.index(name)])
        for other in sorted(set(imported(tree)) - {*allowed}):
            yield f"samnb/{name}.py imports samnb.{other}, which may not be imported from there"


def too_deep():
    """Classes that stand on a tower of ours."""
    bases = {}
    for _, tree in modules():
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef):
                bases[node.name] = [base.id for base in node.bases if isinstance(base, ast.Name)]

    def above(name):
        return max((1 + above(base) for base in bases.get(name, ()) if base in bases), default=0)

    yield from (
        f"{name} stands on {above(name)} classes of ours" for name in bases if above(name) > DEEPEST
    )


def public():
    """The public names of all modules together."""
    names = []
    for _, tree in modules():
        for node in tree.body:
            if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "__all__":
                names += ast.literal_eval(node.value)
    return names


def in_a_process(code):
    """What a new Python prints, and how long it takes, in seconds."""
    started = time.perf_counter()
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return done.stdout, time.perf_counter() - started


def face():
    """What is wrong with `import samnb`."""
    turns = [(in_a_process("import samnb")[1], in_a_process("")[1]) for _ in range(7)]
    added = statistics.median(with_it - without for with_it, without in turns)
    print(f"import samnb adds {1e3 * added:.0f} ms to a bare Python")
    if added > 0.05:
        yield f"import samnb adds {1e3 * added:.0f} ms; at most 50 are allowed"
    for name in ("samnb.SAM", "samnb.ASAM"):
        said = in_a_process(
            f"import json, sys, samnb; {name}; print(json.dumps(list(sys.modules)))"
        )
        if heavy := set(HEAVY) & set(json.loads(said[0])):
            yield f"{name} imports {', '.join(sorted(heavy))}"
    said = in_a_process(
        "import samnb; print([n for n in samnb.__all__ if not callable(getattr(samnb, n))])"
    )
    if said[0].strip() != "[]":
        yield f"names of the face that cannot be called: {said[0].strip()}"


def main():
    """All checks, or those of the face."""
    if "--face" in sys.argv[1:]:
        wrong = list(face())
    else:
        wrong = [*out_of_order(), *too_deep()]
        names = public()
        print(f"{len(names)} public names")
        if len(names) > PUBLIC:
            wrong.append(f"{len(names)} public names; at most {PUBLIC} are allowed")
    print("\n".join(wrong))
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main())
