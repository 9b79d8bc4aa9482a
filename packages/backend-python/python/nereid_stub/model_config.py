"""The configuration while `auto_complete_config` fills it in."""

_COMPLETABLE = ("name", "data_type", "dims")


class ModelConfig:
    """Adds what the model knows; what the file already says must agree. Errors are ValueErrors and stop the load."""

    def __init__(self, config):
        self._config = config

    def as_dict(self):
        return self._config

    def add_input(self, tensor):
        """Adds `{"name", "data_type", "dims"[, "optional"]}`."""
        self._add("input", tensor, (*_COMPLETABLE, "optional"))

    def add_output(self, tensor):
        """Adds `{"name", "data_type", "dims"}`."""
        self._add("output", tensor, _COMPLETABLE)

    def set_max_batch_size(self, max_batch_size):
        found = self._config.get("max_batch_size", 0)
        if found > max_batch_size:
            raise ValueError(
                f"model '{self._name}': max_batch_size is {found} in the configuration, but the model takes {max_batch_size} at most"
            )
        self._config["max_batch_size"] = max_batch_size

    def set_dynamic_batching(self):
        for other in ("sequence_batching", "ensemble_scheduling"):
            if self._config.get(other) is not None:
                raise ValueError(f"model '{self._name}': dynamic batching can't be set beside {other}")
        if self._config.get("dynamic_batching") is None:
            self._config["dynamic_batching"] = {}

    def set_model_transaction_policy(self, policy):
        """Sets `{"decoupled": bool}`."""
        self._check_keys("model transaction policy", policy, ("decoupled",), ("decoupled",))
        current = (self._config.get("model_transaction_policy") or {}).get("decoupled")
        if current is not None and current != policy["decoupled"] and "model_transaction_policy" in self._config:
            raise ValueError(
                f"model '{self._name}': decoupled is {current} in the configuration, but {policy['decoupled']} in the model"
            )
        self._config["model_transaction_policy"] = dict(policy)

    @property
    def _name(self):
        return self._config.get("name", "")

    def _add(self, kind, tensor, known):
        self._check_keys(f"model {kind}", tensor, known, _COMPLETABLE)
        tensors = self._config.setdefault(kind, [])
        existing = next((found for found in tensors if found.get("name") == tensor["name"]), None)
        if existing is None:
            tensors.append(dict(tensor))
            return
        for key in known[1:]:
            if key not in tensor:
                continue
            found = existing.get(key)
            if found in (None, "TYPE_INVALID", []) or (key == "optional" and key not in existing):
                existing[key] = tensor[key]
            elif found != tensor[key] and not (key == "dims" and list(found) == list(tensor[key])):
                raise ValueError(
                    f"model '{self._name}': {kind} '{tensor['name']}' has {key} {found} in the configuration, but {tensor[key]} in the model"
                )

    def _check_keys(self, what, values, known, required):
        unknown = [key for key in values if key not in known]
        missing = [key for key in required if key not in values]
        if unknown or missing:
            raise ValueError(
                f"model '{self._name}': {what} has the keys {list(values)}, expected {list(required)}"
                + (f" (unknown: {unknown})" if unknown else "")
            )
