"""What a configuration says of a model's inputs and outputs beside their names and datatypes."""


def model_dims(tensor):
    """The dims that an input or output of a configuration has in the model, without the batch."""
    reshape = tensor.get("reshape")
    return list(tensor["dims"] if reshape is None else reshape.get("shape") or ())


def sequence_inputs(config):
    """Names of the inputs that the sequence batcher adds to requests: its controls, and the state of a sequence."""
    batching = config.get("sequence_batching") or {}
    controls = [control["name"] for control in batching.get("control_input") or ()]
    return controls + [state["input_name"] for state in batching.get("state") or ()]


def sequence_outputs(config):
    """The states that the sequence batcher keeps, each as an output of the configuration, by name."""
    states = (config.get("sequence_batching") or {}).get("state") or ()
    return {state["output_name"]: {**state, "name": state["output_name"]} for state in states}
