"""A device that is none: it computes on the CPU, and its tensors mix with the CPU's as little as those of a GPU do.

Importing this registers it with torch for good, which is to be done in a process of its own. Inside
`with pretending():` the device can be named wherever "cuda" can. A CPU tensor of one dimension or more beside one of
this device is an error, as on a GPU, and `waits` grows by a line where a GPU would have to be waited for.

What it cannot show is what a GPU computes; and autocast casts the inputs of convolutions and products alone.
"""

from __future__ import annotations

import contextlib
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from unittest import mock

import torch
from torch.overrides import TorchFunctionMode
from torch.utils import backend_registration
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves, tree_map

import ablate

NAME = "pretended"
DEVICE = f"{NAME}:0"
PACKAGE = str(Path(ablate.__file__).parent)
COPIES = ("_to_copy", "copy_")
SIZED_BY_VALUES = ("nonzero", "_unique2", "unique_dim", "masked_select")

waits: list[str] = []
"""What a GPU would have been waited for, with the line of the package that did it."""


class Backend(backend_registration._DummyBackendModule):
    def get_amp_supported_dtype(self) -> list[torch.dtype]:
        return [torch.bfloat16]


backend_registration._setup_privateuseone_for_python_backend(NAME, backend_module=Backend())


class There(torch.Tensor):
    """A tensor of the device; `here` holds its values."""

    here: torch.Tensor

    @staticmethod
    def __new__(cls, here: torch.Tensor) -> There:
        there = torch.Tensor._make_wrapper_subclass(
            cls,
            here.shape,
            strides=here.stride(),
            storage_offset=here.storage_offset(),
            dtype=here.dtype,
            device=torch.device(DEVICE),
        )
        there.here = here
        return there

    def __reduce_ex__(self, protocol: Any) -> Any:
        return self.here.__reduce_ex__(protocol)  # a file does not say where its tensors come from

    @classmethod
    def __torch_dispatch__(cls, function: Any, _types: Any, arguments: Any = (), options: Any = None) -> Any:
        return _run(function, arguments, options or {})


class _Everything(TorchDispatchMode):
    """Sees the operations that none of the device's tensors is part of, such as those that make one."""

    def __torch_dispatch__(self, function: Any, _types: Any, arguments: Any = (), options: Any = None) -> Any:
        return _run(function, arguments, options or {})


class _Made(TorchFunctionMode):
    """Makes tensors of lists on the CPU, from where they are copied, as torch does out of sight for a GPU."""

    def __torch_function__(self, function: Any, _types: Any, arguments: Any = (), options: Any = None) -> Any:
        options = dict(options or {})
        if function in (torch.tensor, torch.as_tensor) and options.get("device") is not None:
            device = options.pop("device")
            return function(*arguments, **options).to(device)
        if function is torch.Tensor.new_tensor:
            like, *arguments = arguments
            return torch.tensor(*arguments, **{"dtype": like.dtype, **options}).to(like.device)
        return function(*arguments, **options)


@contextlib.contextmanager
def pretending() -> Iterator[None]:
    """Lets tensors be on the device in the block."""
    # Inference mode keeps operations whole that are looked at in parts here.
    with mock.patch("torch.inference_mode", torch.no_grad), _Everything(), _Made():
        yield


def _here(tensor: Any) -> Any:
    return tensor.here if isinstance(tensor, There) else tensor


def _run(function: Any, arguments: Any, options: Any) -> Any:
    name = function.overloadpacket.__name__
    tensors = [leaf for leaf in tree_leaves((arguments, options)) if isinstance(leaf, torch.Tensor)]
    there = [tensor for tensor in tensors if isinstance(tensor, There)]
    wanted = options.get("device")
    result_there = bool(there) if wanted is None else torch.device(wanted).type == NAME
    if name not in COPIES:
        strangers = [tuple(each.shape) for each in tensors if not isinstance(each, There) and each.ndim]
        if there and strangers:
            raise RuntimeError(f"{function} of a tensor on {DEVICE} with {strangers} on the CPU, in {_line()}")
    _note_waiting(name, tensors, there, result_there, arguments, options)
    if wanted is not None:
        options = {**options, "device": torch.device("cpu")}
    result = function(*tree_map(_here, arguments), **tree_map(_here, options))
    if name == "_to_copy" and _here(tensors[0]).data_ptr() == result.data_ptr():
        result = result.clone()
    given = {id(_here(tensor)): tensor for tensor in tensors}

    def placed(value: Any) -> Any:
        if not isinstance(value, torch.Tensor):
            return value
        return given.get(id(value)) if id(value) in given else There(value) if result_there else value

    return tree_map(placed, result)


def _note_waiting(name: str, tensors: Any, there: Any, result_there: bool, arguments: Any, options: Any) -> None:
    if name == "_to_copy":
        blocks = isinstance(tensors[0], There) != result_there and not options.get("non_blocking")
    elif name == "copy_":
        blocks = 0 < len(there) < len(tensors) and not (len(arguments) > 2 and arguments[2])
    else:
        by_mask = name.startswith("index") and any(each.dtype is torch.bool for each in tensors[1:])
        blocks = bool(there) and (name == "_local_scalar_dense" or name in SIZED_BY_VALUES or by_mask)
    if blocks:
        waits.append(f"{name} in {_line()}")


def _line() -> str:
    frames = [frame for frame in traceback.extract_stack() if frame.filename.startswith(PACKAGE)]
    return f"{frames[-1].filename.removeprefix(PACKAGE)}:{frames[-1].lineno}" if frames else "a test"


def _in_bfloat16(function: Callable[..., Any]) -> Callable[..., Any]:
    key = torch._C.DispatchKeySet(torch._C.DispatchKey.AutocastPrivateUse1)

    def cast(value: Any) -> Any:
        float32 = isinstance(value, torch.Tensor) and value.dtype is torch.float32
        return value.to(torch.bfloat16) if float32 else value

    def in_bfloat16(*arguments: Any, **options: Any) -> Any:
        with torch._C._ExcludeDispatchKeyGuard(key):
            return function(*tree_map(cast, arguments), **tree_map(cast, options))

    return in_bfloat16


_OTHERS = torch.library.Library("_", "IMPL", "AutocastPrivateUse1")
_OTHERS.fallback(torch.library.fallthrough_kernel)
_CAST = torch.library.Library("aten", "IMPL", "AutocastPrivateUse1")
for _name, _function in {
    "conv2d": torch.ops.aten.conv2d.default,
    "conv_transpose2d.input": torch.ops.aten.conv_transpose2d.input,
    "linear": torch.ops.aten.linear.default,
    "matmul": torch.ops.aten.matmul.default,
}.items():
    _CAST.impl(_name, _in_bfloat16(_function))
