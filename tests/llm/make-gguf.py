"""Writes a Llama of one layer with random weights, under a megabyte, for llama.cpp: make-gguf.py FILE

It knows bytes for tokens, so that it takes any text; what it says makes no sense, but is the same each time.
"""

import sys

import gguf
import numpy

LAYERS, WIDTH, HEADS, FEED_FORWARD, CONTEXT = 1, 64, 2, 128, 8192
CHAT_TEMPLATE = (
    "{% for message in messages %}<{{ message['role'] }}>{{ message['content'] }}\n{% endfor %}<assistant>"
)


def byte_characters():
    """The characters that GPT-2's tokenizer has for the 256 bytes."""
    plain = [*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)]
    others = [byte for byte in range(256) if byte not in plain]
    return [chr(byte) if byte in plain else chr(256 + others.index(byte)) for byte in range(256)]


def main():
    writer = gguf.GGUFWriter(sys.argv[1], "llama")
    writer.add_name("tiny")
    writer.add_context_length(CONTEXT)
    writer.add_embedding_length(WIDTH)
    writer.add_block_count(LAYERS)
    writer.add_feed_forward_length(FEED_FORWARD)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(HEADS)
    writer.add_rope_dimension_count(WIDTH // HEADS)
    writer.add_layer_norm_rms_eps(1e-5)
    add_tokenizer(writer)
    add_weights(writer)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def add_tokenizer(writer):
    tokens = [*byte_characters(), "<|begin|>", "<|end|>", "th"]
    types = [gguf.TokenType.NORMAL] * 256 + [gguf.TokenType.CONTROL] * 2 + [gguf.TokenType.NORMAL]
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("gpt-2")
    writer.add_token_list(tokens)
    writer.add_token_types(types)
    # llama.cpp wants at least one.
    writer.add_token_merges(["t h"])
    writer.add_bos_token_id(256)
    writer.add_eos_token_id(257)
    writer.add_vocab_size(len(tokens))
    writer.add_chat_template(CHAT_TEMPLATE)


def add_weights(writer):
    random = numpy.random.default_rng(7)

    def add(name, *shape, rows=None):
        values = random.standard_normal(shape) if len(shape) > 1 else numpy.ones(shape)
        if rows is not None:
            values[[row for row in range(shape[0]) if row not in rows]] = 0
        writer.add_tensor(name, values.astype(numpy.float32))

    vocabulary = 259
    add("token_embd.weight", vocabulary, WIDTH)
    add("output_norm.weight", WIDTH)
    # It says letters and signs of ASCII alone: bytes beyond are half characters.
    add("output.weight", vocabulary, WIDTH, rows=range(ord(" "), ord("~") + 1))
    for layer in range(LAYERS):
        block = f"blk.{layer}"
        add(f"{block}.attn_norm.weight", WIDTH)
        for name in ("attn_q", "attn_k", "attn_v", "attn_output"):
            add(f"{block}.{name}.weight", WIDTH, WIDTH)
        add(f"{block}.ffn_norm.weight", WIDTH)
        add(f"{block}.ffn_gate.weight", FEED_FORWARD, WIDTH)
        add(f"{block}.ffn_up.weight", FEED_FORWARD, WIDTH)
        add(f"{block}.ffn_down.weight", WIDTH, FEED_FORWARD)


main()
