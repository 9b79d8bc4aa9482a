"""The parameters that Triton's FIL backend has, those of its older releases among them."""

from nereid_backend import Parameter

from .model_types import MODEL_TYPES

_GPU = "forests are executed on the CPU"
_GONE = "Triton's FIL backend has removed it, too"

PARAMETERS = {
    "model_type": Parameter(str, one_of=tuple(MODEL_TYPES)),
    "is_classifier": Parameter(bool),
    # Its name before 25.09; where both are given, Triton takes this one.
    "output_class": Parameter(bool),
    "predict_proba": Parameter(bool, default=False),
    "threshold": Parameter(float),
    "xgboost_allow_unknown_field": Parameter(bool, default=False),
    "cpu_nthread": Parameter(int, default=-1, minimum=-1),
    "layout": Parameter(str, one_of=("depth_first", "breadth_first", "layered"), without_effect=_GPU),
    "chunk_size": Parameter(int, minimum=0, maximum=32, without_effect=_GPU),
    "transfer_threshold": Parameter(int, minimum=0, without_effect=_GPU),
    "algo": Parameter(str, one_of=("ALGO_AUTO", "NAIVE", "TREE_REORG", "BATCH_TREE_REORG"), without_effect=_GONE),
    "storage_type": Parameter(str, one_of=("AUTO", "DENSE", "SPARSE", "SPARSE8"), without_effect=_GONE),
    "blocks_per_sm": Parameter(int, minimum=0, without_effect=_GONE),
    "threads_per_tree": Parameter(int, minimum=0, without_effect=_GONE),
    "use_experimental_optimizations": Parameter(bool, without_effect=_GONE),
}
