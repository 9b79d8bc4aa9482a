"""What `parameters` of a model's configuration change in TensorFlow. Names and meanings are Triton's."""

from nereid_backend import Parameter, read_parameters, warn_of_unused_parameters

_PARAMETERS = {
    "TF_NUM_INTRA_THREADS": Parameter(int, default=0, minimum=0),
    # Below 0: operations run on the thread of the session.
    "TF_NUM_INTER_THREADS": Parameter(int, default=0),
    "TF_USE_PER_SESSION_THREADS": Parameter(bool, default=False),
    "TF_GRAPH_TAG": Parameter(str, default="serve"),
    "TF_SIGNATURE_DEF": Parameter(str),
    "TF_INIT_OPS_FILE": Parameter(str),
    "MAX_SESSION_SHARE_COUNT": Parameter(int, minimum=1, without_effect="each instance is a process with a session of its own"),
}


def read_settings(config):
    """The parameters by name. Raises an error naming the one that is wrong."""
    return read_parameters(config, _PARAMETERS)


def warn_of_unused(config):
    """Says in the log which parameters change nothing."""
    warn_of_unused_parameters(config, _PARAMETERS)
