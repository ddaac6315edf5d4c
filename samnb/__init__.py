"""samnb: what a flatter minimum is, how Sharpness-Aware Minimization finds one, and what it buys.

This is the one module that no notebook makes. It is the face for people: `samnb.SAM`, `samnb.run`, ...; each name is
imported when it is first used, so that `import samnb` takes milliseconds and `samnb.SAM` brings torch and nothing else.
"""

import importlib
import sys
from types import ModuleType
from typing import Any

__version__ = "0.1.0"

_NAMES = {
    "sam": "SAM",
    "variants": "ASAM GSAM FriendlySAM LookSAM SAMON MSAM ESAM RandomSAM "
    "every late at_random ramp with_lr",
    "samformer": "SAMformer Linear",
    "series": "load_series",
    "forecasts": "forecast",
    "vgg": "VGG ResNet",
    "images": "load_images",
    "data": "evaluate",
    "engine": "Engine",
    "rho": "suggest_rho",
    "landscape": "loss_surface read_surface flat_area trajectory",
    "pictures": "plot_contour plot_surface_3d plot_line explore",
    "hessian": "hessian_eigenvalues hessian_trace spectral_density",
    "sharpness": "adaptive_sharpness sharpness_measures",
    "config": "Config register",
    "experiment": "run load_run",
    "sweep": "sweep",
    "tables": "table plot_seeds",
    "panels": "launch",
}
_HOME = {name: module for module, names in _NAMES.items() for name in names.split()}
_MODULES = {
    *_NAMES,
    "closed_form",
    "command_line",
    "cpu",
    "csv_files",
    "evaluator",
    "files",
    "losses",
    "minima",
    "names",
    "picture_folders",
    "studies",
    "trackers",
    "trainers",
}

__all__ = sorted(_HOME)


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(importlib.import_module(f"samnb.{_HOME[name]}"), name)
    if name in _MODULES:
        return importlib.import_module(f"samnb.{name}")
    raise AttributeError(f"samnb has no {name!r}; it has {', '.join(__all__)}, and the modules")


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOME, *_MODULES})


class _SweepModule(ModuleType):
    """The module `samnb.sweep`, which is also the function of that name: Python binds a module to its package."""

    def __call__(self, *arguments: Any, **options: Any) -> Any:
        return self.sweep(*arguments, **options)


class _Face(ModuleType):
    def __setattr__(self, name: str, value: Any) -> None:
        if name == "sweep" and isinstance(value, ModuleType):
            value.__class__ = _SweepModule
        super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Face
