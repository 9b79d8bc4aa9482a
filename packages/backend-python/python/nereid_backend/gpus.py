"""Which device an instance is to run on, as `instance_group` of its model says."""


def instance_gpu(args, count, library):
    """The number of the GPU of an instance of KIND_GPU; None for another kind.

    args: those of `initialize`. count: GPUs that the library sees; library: its name and version, for the error.
    Raises ValueError when the library doesn't see that GPU.
    """
    if args["model_instance_kind"] != "GPU":
        return None
    number = int(args["model_instance_device_id"])
    if number < count:
        return number
    raise ValueError(
        f"model '{args['model_name']}': an instance is to run on GPU {number} (KIND_GPU), but {library} sees {count} GPUs: "
        f"use KIND_CPU, or install a {library.split()[0]} made for the GPUs of this machine"
    )


def refuse_gpus(args, why):
    """Raises ValueError for an instance of KIND_GPU. why: the backend has none, and what to do, as a sentence's end."""
    if args["model_instance_kind"] != "GPU":
        return
    number = args["model_instance_device_id"]
    raise ValueError(f"model '{args['model_name']}': an instance is to run on GPU {number} (KIND_GPU), but {why}")
