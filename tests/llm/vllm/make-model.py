"""Writes a Llama of two layers with random weights and a LoRA adapter for it: make-model.py FOLDER

The folder gets `model` and `adapter`. Tokens are bytes. A head size of 64 is the least that vLLM has kernels for on CPUs.
"""

import json
import pathlib
import sys

import torch
from safetensors.torch import save_file
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

WIDTH, HEADS, RANK = 256, 4, 8
CHAT_TEMPLATE = (
    "{% for message in messages %}<{{ message['role'] }}>{{ message['content'] }}\n{% endfor %}"
    "{% if add_generation_prompt %}<assistant>{% endif %}"
)


def main():
    folder = pathlib.Path(sys.argv[1])
    torch.manual_seed(7)
    tokenizer = make_tokenizer()
    tokenizer.save_pretrained(folder / "model")
    make_model(len(tokenizer)).save_pretrained(folder / "model")
    save_adapter(folder / "adapter")


def make_tokenizer():
    characters = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocabulary = {character: index for index, character in enumerate([*characters, "<|begin|>", "<|end|>"])}
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        bos_token="<|begin|>",
        eos_token="<|end|>",
        chat_template=CHAT_TEMPLATE,
    )


def make_model(vocabulary):
    return LlamaForCausalLM(
        LlamaConfig(
            vocab_size=vocabulary,
            hidden_size=WIDTH,
            intermediate_size=2 * WIDTH,
            num_hidden_layers=2,
            num_attention_heads=HEADS,
            num_key_value_heads=HEADS,
            max_position_embeddings=512,
            bos_token_id=256,
            eos_token_id=257,
            # Large enough that one token is likelier than the others by more than rounding.
            initializer_range=0.2,
        )
    )


def save_adapter(folder):
    folder.mkdir()
    prefix = "base_model.model.model.layers"
    weights = {}
    for layer in range(2):
        for name in ("q_proj", "v_proj"):
            weights[f"{prefix}.{layer}.self_attn.{name}.lora_A.weight"] = torch.randn(RANK, WIDTH)
            weights[f"{prefix}.{layer}.self_attn.{name}.lora_B.weight"] = torch.randn(WIDTH, RANK)
    save_file(weights, folder / "adapter_model.safetensors")
    config = {
        "peft_type": "LORA",
        "task_type": "CAUSAL_LM",
        "r": RANK,
        "lora_alpha": RANK,
        "target_modules": ["q_proj", "v_proj"],
        "bias": "none",
    }
    (folder / "adapter_config.json").write_text(json.dumps(config), "utf-8")


main()
