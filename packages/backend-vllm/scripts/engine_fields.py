"""Prints what `vllm serve` takes, as JSON: {"version": text, "fields": {name: annotation}}.

Reads vLLM's sources without importing them: an import takes ten seconds, and a GPU's memory.
"""

import ast
import importlib.metadata
import importlib.util
import json
import pathlib
import sys

# Classes whose fields are command line arguments.
ARGUMENT_CLASSES = {"EngineArgs", "AsyncEngineArgs", "BaseFrontendArgs", "FrontendArgs"}


def literals(root):
    """Names that stand for `Literal[…]`, as `ModelDType`, and their text."""
    found = {}
    for path in sorted(root.joinpath("config").glob("*.py")):
        for node in ast.parse(path.read_text("utf-8")).body:
            if not isinstance(node, ast.Assign) or not isinstance(node.value, ast.Subscript):
                continue
            if ast.unparse(node.value.value) != "Literal" or not isinstance(node.targets[0], ast.Name):
                continue
            members = node.value.slice
            members = members.elts if isinstance(members, ast.Tuple) else [members]
            if all(isinstance(member, ast.Constant) for member in members):
                found[node.targets[0].id] = ast.unparse(node.value)
    return found


def fields(path, known):
    """Fields of the argument classes in a file."""
    found = {}
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if not isinstance(node, ast.ClassDef) or node.name not in ARGUMENT_CLASSES:
            continue
        for member in node.body:
            if isinstance(member, ast.AnnAssign) and isinstance(member.target, ast.Name):
                if not member.target.id.startswith("_"):
                    found[member.target.id] = annotation(member.annotation, known)
    return found


def annotation(node, known):
    """Its text, with the names of literals put out in full."""
    if isinstance(node, ast.Name):
        return known.get(node.id, node.id)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr):
        return f"{annotation(node.left, known)} | {annotation(node.right, known)}"
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    return ast.unparse(node)


def main():
    spec = importlib.util.find_spec("vllm")
    if spec is None or spec.origin is None:
        sys.exit("vllm is not installed for this interpreter")
    root = pathlib.Path(spec.origin).parent
    known = literals(root)
    found = {}
    # Where the front end's arguments are defined has changed from version to version; the name of the file has not.
    for path in [*sorted(root.joinpath("entrypoints").rglob("cli_args.py")), root / "engine" / "arg_utils.py"]:
        found.update(fields(path, known))
    print(json.dumps({"version": importlib.metadata.version("vllm"), "fields": found}))


main()
