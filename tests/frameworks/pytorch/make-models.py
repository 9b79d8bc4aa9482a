"""Makes a repository of PyTorch models in a folder, and cases.json with what PyTorch answers: make-models.py FOLDER"""

import os
import sys
from typing import Dict, List, NamedTuple, Optional, Tuple

import numpy as np
import torch
from safetensors.torch import save_file
from torch import nn

sys.path.insert(0, os.path.join(os.path.dirname(__file__), ".."))
from cases import Cases  # noqa: E402

FOLDER = sys.argv[1]
CASES = Cases()

MODULE = '''from torch import nn

from layers import Doubled


class Regression(nn.Module):
    def __init__(self):
        super().__init__()
        self.hidden = nn.Linear(4, 16)
        self.last = nn.Linear(16, 2)
        self.doubled = Doubled()

    def forward(self, x, shift=None):
        y = self.doubled(self.last(self.hidden(x).relu()))
        return {"Y": y if shift is None else y + shift}
'''
LAYERS = '''from torch import nn


class Doubled(nn.Module):
    def forward(self, x):
        return 2 * x
'''


class Convolution(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(3, 8, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(32, 5), nn.Softmax(1)
        )

    def forward(self, image):
        return self.layers(image)


class TwoOutputs(nn.Module):
    def forward(self, a: torch.Tensor, b: torch.Tensor) -> Tuple[torch.Tensor, torch.Tensor]:
        return a - b, (a > b).to(torch.int64)


class Dictionary(nn.Module):
    def forward(self, tensors: Dict[str, torch.Tensor]) -> Dict[str, torch.Tensor]:
        return {"SUM": tensors["A"] + tensors["B"], "SIGN": tensors["A"] > 0}


class Strings(nn.Module):
    def forward(self, texts: List[str]) -> Tuple[List[str], torch.Tensor]:
        return [text + "!" for text in texts], torch.tensor([[len(text)] for text in texts])


class Sums(NamedTuple):
    plus: torch.Tensor
    minus: torch.Tensor


class NamedOutputs(nn.Module):
    def forward(self, a: torch.Tensor, b: torch.Tensor) -> Sums:
        return Sums(a + b, a - b)


class Defaults(nn.Module):
    """Arguments that are no tensors keep their defaults."""

    def forward(self, x: torch.Tensor, factor: float = 2.0, mask: Optional[torch.Tensor] = None) -> torch.Tensor:
        return factor * (x if mask is None else x * mask)


class Total(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.sum()


class Negated(nn.Module):
    """Its output is a view that stands for other values than are in its memory."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.complex(x, x).conj().imag


class InPlace(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.mul_(2)


class Fails(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if bool((x < 0).any()):
            raise ValueError("negative values")
        return x


def add_model(name, config, files):
    directory = os.path.join(FOLDER, "models", name, "1")
    os.makedirs(directory)
    with open(os.path.join(directory, "../config.pbtxt"), "w") as file:
        file.write(config)
    for filename, content in files.items():
        path = os.path.join(directory, filename)
        if isinstance(content, str):
            with open(path, "w") as file:
                file.write(content)
        elif isinstance(content, torch.jit.ScriptModule):
            content.save(path)
        elif filename.endswith(".safetensors"):
            save_file(content, path)
        else:
            torch.save(content, path)


def tensors(kind, *rows):
    return "".join(
        f'{kind} {{ name: "{name}" data_type: TYPE_{datatype} dims: {list(dims)} }}\n' for name, datatype, *dims in rows
    )


def parameter(key, value):
    return f'parameters {{ key: "{key}" value {{ string_value: "{value}" }} }}\n'


def add_cases(name, model, inputs, outputs, rows=(1, 3)):
    """Requests of several rows. inputs: functions that make one of so many rows, by name."""
    for count in rows:
        given = {name: make(count) for name, make in inputs.items()}
        with torch.no_grad():
            answers = model(*given.values())
        answers = answers if isinstance(answers, (tuple, list)) else [answers]
        expected = {output: answer.numpy() for output, answer in zip(outputs, answers)}
        CASES.add(name, {key: value.numpy() for key, value in given.items()}, expected)


def add_convolution():
    model = Convolution().eval()
    config = 'platform: "pytorch_libtorch"\nmax_batch_size: 8\ndynamic_batching { max_queue_delay_microseconds: 200000 }\n'
    config += tensors("input", ("INPUT__0", "FP32", 3, 16, 16)) + tensors("output", ("OUTPUT__0", "FP32", 5))
    config += parameter("INTRA_OP_THREAD_COUNT", "1") + parameter("ENABLE_JIT_PROFILING", "0")
    config += parameter("DISABLE_OPTIMIZED_EXECUTION", "true")
    add_model("convolution", config, {"model.pt": torch.jit.trace(model, torch.rand(1, 3, 16, 16))})
    add_cases("convolution", model, {"INPUT__0": lambda n: torch.rand(n, 3, 16, 16)}, ["OUTPUT__0"], (1, 3, 4))


def add_two_outputs():
    model = TwoOutputs()
    script = torch.jit.script(model)
    outputs = (("LESS", "FP32", 2), ("LARGER", "INT64", 2))
    numbers = lambda n: torch.randn(n, 2)  # noqa: E731
    # Named as the arguments, in another order; by position; by their order alone.
    for name, first, second in (("by_argument", "a", "b"), ("by_position", "X__0", "X__1"), ("by_order", "left", "right")):
        rows = [(first, "FP32", 2), (second, "FP32", 2)]
        config = 'backend: "pytorch"\nmax_batch_size: 4\n'
        config += tensors("input", *(rows if name == "by_order" else reversed(rows))) + tensors("output", *outputs)
        add_model(name, config, {"model.pt": script})
        add_cases(name, model, {first: numbers, second: numbers}, ["LESS", "LARGER"])


def add_dictionary():
    config = 'backend: "pytorch"\n' + tensors("input", ("A", "FP32", 2), ("B", "FP32", 2))
    config += tensors("output", ("SIGN", "BOOL", 2), ("SUM", "FP32", 2))
    add_model("dictionary", config, {"model.pt": torch.jit.script(Dictionary())})
    a, b = np.array([1, -2], np.float32), np.array([3, 4], np.float32)
    CASES.add("dictionary", {"A": a, "B": b}, {"SIGN": a > 0, "SUM": a + b})


def add_strings():
    config = 'backend: "pytorch"\nmax_batch_size: 4\n' + tensors("input", ("texts", "STRING", 1))
    config += tensors("output", ("LOUD__0", "STRING", 1), ("LENGTH__1", "INT64", 1))
    add_model("strings", config, {"model.pt": torch.jit.script(Strings())})
    words = np.array([["one"], ["Grüße"]], dtype=object)
    loud = np.array([["one!"], ["Grüße!"]], dtype=object)
    # TorchScript counts the bytes of a string.
    CASES.add("strings", {"texts": words}, {"LOUD__0": loud, "LENGTH__1": np.array([[3], [7]])})


def add_modules():
    """A class in Python with its weights: as they are, compiled, and from a file of safetensors."""
    namespace = {}
    sys.modules["layers"] = type(sys)("layers")
    exec(LAYERS, sys.modules["layers"].__dict__)
    exec(MODULE, namespace)
    model = namespace["Regression"]().eval()
    shared = tensors("output", ("Y", "FP32", 2)) + "max_batch_size: 4\n"
    x = tensors("input", ("x", "FP32", 4))
    optional = 'input { name: "shift" data_type: TYPE_FP32 dims: [ 2 ] optional: true }\n'
    compiled = parameter("TORCH_COMPILE_OPTIONAL_PARAMETERS", '{\\"backend\\": \\"eager\\"}')
    for name, config, weights in (
        ("module", 'backend: "pytorch"\n' + x + optional, "model.pt"),
        ("compiled", 'backend: "pytorch"\nruntime: "model.py"\n' + x + compiled, "model.pt"),
        ("safetensors", 'backend: "pytorch"\n' + x, "model.safetensors"),
    ):
        files = {"model.py": MODULE, "layers.py": LAYERS, weights: model.state_dict()}
        add_model(name, config + shared, files)
        for rows in (1, 4):
            given = torch.randn(rows, 4)
            CASES.add(name, {"x": given.numpy()}, {"Y": model(given)["Y"].detach().numpy()})


def add_datatypes():
    """Every datatype goes in and comes out as it is; bfloat16 by its bits."""
    names = {f"int{bits}": f"INT{bits}" for bits in (8, 16, 32, 64)} | {f"float{bits}": f"FP{bits}" for bits in (16, 32, 64)}
    names |= {"bool": "BOOL", "uint8": "UINT8", "bfloat16": "BF16"}
    rows = [(name, 3) for name in names.values()]
    config = 'backend: "pytorch"\n' + tensors("input", *((f"X_{name}", name, size) for name, size in rows))
    config += tensors("output", *((f"Y_{name}", name, size) for name, size in rows))
    arguments = ", ".join(f"x{at}" for at in range(len(rows)))
    code = f"from torch import nn\nclass All(nn.Module):\n    def forward(self, {arguments}):\n        return {arguments}\n"
    add_model("datatypes", config, {"model.py": code})
    values = {name: raw(torch.tensor([0, 1, 3]).to(getattr(torch, kind))) for kind, name in names.items()}
    CASES.add("datatypes", *({f"{letter}_{name}": value for name, value in values.items()} for letter in "XY"))


def raw(tensor):
    if tensor.dtype == torch.bfloat16:
        return tensor.view(torch.int16).numpy().view(np.uint16), "BF16"
    return tensor.numpy()


VARIABLE = """from dataclasses import dataclass

import torch
from torch import nn


@dataclass(slots=True)
class Answer:
    SUM: torch.Tensor


class Variable(nn.Module):
    def forward(self, first, *others, scale=1):
        return Answer(scale * (first - sum(others)))
"""
BY_NAME = """from torch import nn


class ByName(nn.Module):
    def forward(self, a, **others):
        return a - others["b"]
"""
TRIPLE = """import torch

LIBRARY = torch.library.Library("nereid_triple", "DEF")
LIBRARY.define("triple(Tensor x) -> Tensor")
LIBRARY.impl("triple", lambda x: 3 * x, "CompositeImplicitAutograd")
"""


def add_signatures():
    """What `forward` takes and gives beside tensors."""
    backend = 'platform: "pytorch_libtorch"\nmax_batch_size: 4\n'
    numbers = lambda n: torch.randn(n, 2)  # noqa: E731
    pair = tensors("input", ("a", "FP32", 2), ("b", "FP32", 2))
    # The outputs have the names of the fields, in another order.
    outputs = tensors("output", ("minus", "FP32", 2), ("plus", "FP32", 2))
    add_model("named_outputs", backend + pair + outputs, {"model.pt": torch.jit.script(NamedOutputs())})
    add_cases("named_outputs", NamedOutputs(), {"a": numbers, "b": numbers}, ["plus", "minus"])
    one = tensors("input", ("x", "FP32", 2)) + tensors("output", ("y", "FP32", 2))
    optional = 'input { name: "mask" data_type: TYPE_FP32 dims: [ 2 ] optional: true }\n'
    add_model("defaults", backend + one + optional, {"model.pt": torch.jit.script(Defaults())})
    add_cases("defaults", Defaults(), {"x": numbers}, ["y"])
    add_cases("defaults", lambda x, mask: Defaults()(x, mask=mask), {"x": numbers, "mask": numbers}, ["y"])
    add_model("negated", backend + one, {"model.pt": torch.jit.script(Negated())})
    add_cases("negated", lambda x: -x, {"x": numbers}, ["y"])
    total = 'backend: "pytorch"\n' + tensors("input", ("x", "FP32", -1)) + tensors("output", ("y", "FP32", 1))
    add_model("total", total, {"model.pt": torch.jit.script(Total())})
    CASES.add("total", {"x": np.array([1, 2, 3], np.float32)}, {"y": np.array([6], np.float32)})
    three = tensors("input", *((f"INPUT__{at}", "FP32", 2) for at in (2, 0, 1))) + tensors("output", ("SUM", "FP32", 2))
    add_model("variable", backend + three, {"model.py": VARIABLE})
    add_cases("variable", lambda a, b, c: a - b - c, {f"INPUT__{at}": numbers for at in range(3)}, ["SUM"])
    add_model("by_name", backend + pair + tensors("output", ("y", "FP32", 2)), {"model.py": BY_NAME})
    add_cases("by_name", lambda a, b: a - b, {"a": numbers, "b": numbers}, ["y"])


def add_operators():
    """TorchScript with an operator of a package, which lies beside it, or is missing."""
    exec(TRIPLE, sys.modules.setdefault("nereid_triple", type(sys)("nereid_triple")).__dict__)

    class Triple(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return torch.ops.nereid_triple.triple(x)

    config = 'backend: "pytorch"\n' + tensors("input", ("x", "FP32", 2)) + tensors("output", ("y", "FP32", 2))
    script = torch.jit.script(Triple())
    add_model("operator", config, {"model.pt": script, "nereid_triple.py": TRIPLE})
    x = np.array([1, 2], np.float32)
    CASES.add("operator", {"x": x}, {"y": 3 * x})
    add_model("lacks_operator", config, {"model.pt": script})


THREADS = """import torch
from torch import nn


class Threads(nn.Module):
    def forward(self, x):
        return torch.tensor([torch.get_num_threads(), torch.get_num_interop_threads()])
"""


RAGGED = """import torch
from torch import nn


class Ragged(nn.Module):
    def forward(self, values, bounds):
        sums = [values[start:end].sum() for start, end in zip(bounds[:-1], bounds[1:])]
        return {"DOUBLED": 2 * values, "SUM": torch.stack(sums).reshape(-1, 1)}
"""
RAGGED_CONFIG = """backend: "pytorch"
max_batch_size: 8
input { name: "values" data_type: TYPE_FP32 dims: [ -1 ] allow_ragged_batch: true }
output [ { name: "DOUBLED" data_type: TYPE_FP32 dims: [ -1 ] }, { name: "SUM" data_type: TYPE_FP32 dims: [ 1 ] } ]
batch_input {
  kind: BATCH_ACCUMULATED_ELEMENT_COUNT_WITH_ZERO target_name: "bounds" data_type: TYPE_INT32 source_input: "values"
}
batch_output { kind: BATCH_SCATTER_WITH_INPUT_SHAPE target_name: "DOUBLED" source_input: "values" }
dynamic_batching { preferred_batch_size: [ 3 ] max_queue_delay_microseconds: 10000000 }
"""


def add_others():
    add_model("ragged", RAGGED_CONFIG, {"model.py": RAGGED})
    add_model("threads", 'backend: "pytorch"\n', {"model.py": THREADS})
    one = tensors("input", ("x", "FP32", 2)) + tensors("output", ("y", "FP32", 2))
    add_model("in_place", 'backend: "pytorch"\nmax_batch_size: 2\n' + one, {"model.pt": torch.jit.script(InPlace())})
    x = np.array([[1, 2]], np.float32)
    CASES.add("in_place", {"x": x}, {"y": 2 * x})
    module = "from torch import nn\nclass Same(nn.Module):\n    def {}\n"
    add_model("unreadable", 'backend: "pytorch"\n' + one, {"model.py": module.format("forward(self, x): return x")})
    for filename in ("model.pt", "other.py", "other.safetensors"):
        with open(os.path.join(FOLDER, "models/unreadable/1", filename), "w") as file:
            file.write(module.format("forward(self, x): return x") if filename.endswith(".py") else "junk")
    add_model("arguments", 'backend: "pytorch"\n' + one, {"model.py": module.format("__init__(self, size): pass")})
    add_model("syntax", 'backend: "pytorch"\n' + one, {"model.py": module.format("forward(self, x) return x")})
    add_model("lacks_package", 'backend: "pytorch"\n' + one, {"model.py": "import nobody_has_this\n"})
    add_model("weights_alone", 'backend: "pytorch"\n' + one, {"model.pt": nn.Linear(2, 2).state_dict()})
    # The source of a model lies beside its TorchScript, which needs none.
    files = {"model.pt": torch.jit.script(InPlace()), "model.py": "import nobody_has_this"}
    add_model("with_source", 'backend: "pytorch"\nmax_batch_size: 2\n' + one, files)
    CASES.add("with_source", {"x": x}, {"y": 2 * x})
    add_model("cut_off", 'backend: "pytorch"\n' + one, {"model.pt": torch.jit.script(InPlace())})
    with open(os.path.join(FOLDER, "models/cut_off/1/model.pt"), "r+b") as file:
        file.truncate(file.seek(0, os.SEEK_END) // 2)
    add_model("matrix", 'backend: "pytorch"\nmax_batch_size: 2\n' + one, {"model.pt": torch.jit.script(nn.Linear(3, 2))})
    add_model("fails", 'backend: "pytorch"\nmax_batch_size: 2\n' + one, {"model.pt": torch.jit.script(Fails())})


torch.manual_seed(1)
add_convolution()
add_two_outputs()
add_dictionary()
add_strings()
add_modules()
add_datatypes()
add_signatures()
add_operators()
add_others()
CASES.write(os.path.join(FOLDER, "cases.json"))
