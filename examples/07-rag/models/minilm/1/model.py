"""The sentence embeddings of all-MiniLM-L6-v2."""

from torch import nn

from bert import Embeddings, Layer, linear

LAYERS = 6


class SentenceEmbedding(nn.Module):
    def __init__(self):
        super().__init__()
        self.embeddings = Embeddings()
        self.encoder = nn.ModuleDict({"layer": nn.ModuleList(Layer() for _ in range(LAYERS))})
        # Its weights are in the file, but sentences are embedded by the mean of their tokens.
        self.pooler = nn.ModuleDict({"dense": linear()})

    def forward(self, input_ids, attention_mask):
        # Nothing is computed for tokens that are padding in all texts of the batch.
        length = int(attention_mask.sum(1).max())
        mask = attention_mask[:, :length].bool()
        x = self.embeddings(input_ids[:, :length])
        for layer in self.encoder["layer"]:
            x = layer(x, mask)
        mean = (x * mask[:, :, None]).sum(1) / mask.sum(1, keepdim=True)
        return nn.functional.normalize(mean)
