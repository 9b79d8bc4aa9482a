"""Prints the largest difference between embeddings and those of sentence-transformers, the library that the model was
made with: compare-embeddings.py MODEL_FOLDER PASSAGES_JSON"""

import json
import sys

import numpy as np
from sentence_transformers import SentenceTransformer

folder, file = sys.argv[1:]
with open(file, encoding="utf-8") as opened:
    passages = json.load(opened)
expected = SentenceTransformer(folder, device="cpu").encode([passage["text"] for passage in passages])
print(np.abs(expected - np.array([passage["embedding"] for passage in passages])).max())
