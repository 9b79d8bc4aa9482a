"""The parts of BERT, at the size of MiniLM. Modules have the names that the weights have in the file."""

import torch
from torch import nn

HIDDEN = 384
HEADS = 12
INTERMEDIATE = 1536
VOCABULARY = 30522
POSITIONS = 512


def linear(inputs=HIDDEN, outputs=HIDDEN):
    return nn.Linear(inputs, outputs)


def norm():
    return nn.LayerNorm(HIDDEN, eps=1e-12)


class Embeddings(nn.Module):
    """Token ids [batch, length] -> [batch, length, HIDDEN]."""

    def __init__(self):
        super().__init__()
        self.word_embeddings = nn.Embedding(VOCABULARY, HIDDEN)
        self.position_embeddings = nn.Embedding(POSITIONS, HIDDEN)
        self.token_type_embeddings = nn.Embedding(2, HIDDEN)
        self.LayerNorm = norm()
        self.register_buffer("position_ids", torch.arange(POSITIONS)[None])

    def forward(self, ids):
        positions = self.position_embeddings(self.position_ids[:, : ids.shape[1]])
        # All tokens are of the first of BERT's two texts.
        return self.LayerNorm(self.word_embeddings(ids) + positions + self.token_type_embeddings.weight[0])


class Layer(nn.Module):
    """[batch, length, HIDDEN] -> the same, each token with what it takes from those that mask [batch, length] has."""

    def __init__(self):
        super().__init__()
        heads = nn.ModuleDict({name: linear() for name in ("query", "key", "value")})
        self.attention = nn.ModuleDict({"self": heads, "output": residual(HIDDEN)})
        self.intermediate = nn.ModuleDict({"dense": linear(HIDDEN, INTERMEDIATE)})
        self.output = residual(INTERMEDIATE)

    def forward(self, x, mask):
        x = add(self.attention["output"], self._attend(x, mask), x)
        return add(self.output, nn.functional.gelu(self.intermediate["dense"](x)), x)

    def _attend(self, x, mask):
        heads = self.attention["self"]
        query, key, value = (heads[name](x).unflatten(2, (HEADS, -1)).transpose(1, 2) for name in ("query", "key", "value"))
        attended = nn.functional.scaled_dot_product_attention(query, key, value, attn_mask=mask[:, None, None])
        return attended.transpose(1, 2).flatten(2)


def residual(inputs):
    return nn.ModuleDict({"dense": linear(inputs), "LayerNorm": norm()})


def add(modules, change, x):
    return modules["LayerNorm"](modules["dense"](change) + x)
