"""The computation of all-MiniLM-L6-v2 (Wang et al., 2020, arXiv 2002.10957) for onnxruntime, without its numbers.

    x_0 = norm(word + position + type);   x' = norm(x + attention(x) O);   x = norm(x' + gelu(x' I) F), six times

The weights stay in the safetensors file that they came in: the graph names their places there, and the runtime reads
them when it loads. Attention with its mask, gelu with its bias and a sum with its norm are one operation each.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pydantic import BaseModel, TypeAdapter

if TYPE_CHECKING:
    from onnx import NodeProto, TensorProto

LAYERS: Final = 6
HEADS: Final = 12
DIM: Final = 384
EPSILON: Final = 1e-12  # of the norms, as in the model's config.json
FUSED: Final = "com.microsoft"  # onnxruntime's own operations
LENGTH_BYTES: Final = 8  # of the number that a safetensors file begins with: its header's length
IDS, LENGTHS = "ids", "lengths"  # inputs: word pieces (n, most), and how many of each row count (n,)


class Place(BaseModel):
    """Where a tensor lies in a safetensors file, behind the header."""

    shape: tuple[int, ...]
    data_offsets: tuple[int, int]


PLACES: TypeAdapter[dict[str, Place]] = TypeAdapter(dict[str, Place])


def graph_of(weights: Path) -> bytes:
    """A model for onnxruntime: `ids`, `lengths` -> the pieces' states (n, most, DIM)."""
    from onnx import TensorProto, helper

    with weights.open("rb") as file:
        header = int.from_bytes(file.read(LENGTH_BYTES), "little")
        places = json.loads(file.read(header))
    places.pop("__metadata__", None)
    writer = _Writer(weights.name, LENGTH_BYTES + header, PLACES.validate_python(places))
    states = writer.embedded()
    for layer in range(LAYERS):
        states = writer.layer(f"encoder.layer.{layer}", states)
    inputs = [
        helper.make_tensor_value_info(IDS, TensorProto.INT64, ["texts", "pieces"]),
        helper.make_tensor_value_info(LENGTHS, TensorProto.INT32, ["texts"]),
    ]
    outputs = [helper.make_tensor_value_info(states, TensorProto.FLOAT, ["texts", "pieces", DIM])]
    graph = helper.make_graph(writer.nodes, "minilm", inputs, outputs, writer.tensors)
    versions = [helper.make_opsetid("", 17), helper.make_opsetid(FUSED, 1)]
    return bytes(helper.make_model(graph, opset_imports=versions, ir_version=9).SerializeToString())


class _Writer:
    """Collects operations and the tensors that they name. Each operation returns its output's name."""

    def __init__(self, file: str, start: int, places: Mapping[str, Place]) -> None:
        """The file's name, and where in it the first tensor begins, in bytes."""
        self.nodes: list[NodeProto] = []
        self.tensors: list[TensorProto] = []
        self._file, self._start, self._places = file, start, places

    def embedded(self) -> str:
        """The states before the first layer."""
        nought, one = self._number("nought", 0), self._number("one", 1)
        length = self._do("Gather", self._do("Shape", IDS), one)
        places = self._do("Range", nought, length, one)
        names = ("word", "position", "token_type")
        word, position, sort = (self._tensor(f"embeddings.{name}_embeddings.weight") for name in names)
        fixed = self._do("Add", self._do("Gather", position, places), self._do("Gather", sort, nought))
        total = self._do("Add", self._do("Gather", word, IDS), fixed)
        return self._do("LayerNormalization", total, *self._norm("embeddings"), epsilon=EPSILON)

    def layer(self, name: str, states: str) -> str:
        """One layer of attention and one of single pieces."""
        sides = [f"{name}.attention.self.{side}" for side in ("query", "key", "value")]
        asked = self._do("Concat", *(self._turned(side) for side in sides), axis=1)
        bias = self._do("Concat", *(self._tensor(f"{side}.bias") for side in sides), axis=0)
        seen = self._do("Attention", states, asked, bias, LENGTHS, domain=FUSED, num_heads=HEADS)
        states = self._joined(f"{name}.attention.output", seen, states)
        inner = self._do("MatMul", states, self._turned(f"{name}.intermediate.dense"))
        active = self._do("BiasGelu", inner, self._tensor(f"{name}.intermediate.dense.bias"), domain=FUSED)
        return self._joined(f"{name}.output", active, states)

    def _joined(self, name: str, fresh: str, states: str) -> str:
        """norm(states + fresh W + v)"""
        product, bias = self._do("MatMul", fresh, self._turned(f"{name}.dense")), self._tensor(f"{name}.dense.bias")
        inputs = (product, states, *self._norm(name), bias)
        return self._do("SkipLayerNormalization", *inputs, domain=FUSED, epsilon=EPSILON)

    def _norm(self, name: str) -> tuple[str, str]:
        return self._tensor(f"{name}.LayerNorm.weight"), self._tensor(f"{name}.LayerNorm.bias")

    def _turned(self, name: str) -> str:
        """The file has a layer's weights as (out, in)."""
        return self._do("Transpose", self._tensor(f"{name}.weight"), perm=[1, 0])

    def _do(self, operation: str, *inputs: str, domain: str = "", **settings: float | list[int]) -> str:
        from onnx import helper

        output = f"{operation}-{len(self.nodes)}"
        node = helper.make_node(operation, inputs, [output], domain=domain)
        node.attribute.extend(helper.make_attribute(name, value) for name, value in settings.items())
        self.nodes.append(node)
        return output

    def _number(self, name: str, value: int) -> str:
        from onnx import TensorProto, helper

        self.tensors.append(helper.make_tensor(name, TensorProto.INT64, (), [value]))
        return name

    def _tensor(self, name: str) -> str:
        from onnx import TensorProto

        start, end = self._places[name].data_offsets
        tensor = TensorProto(
            name=name, data_type=TensorProto.FLOAT, dims=self._places[name].shape, data_location=TensorProto.EXTERNAL
        )
        for key, value in (("location", self._file), ("offset", self._start + start), ("length", end - start)):
            tensor.external_data.add(key=key, value=str(value))
        self.tensors.append(tensor)
        return name
