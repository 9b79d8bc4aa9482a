"""What the command line says to a backend: `--backend-config=<backend>,<name>=<value>`."""

from nereid_stub import runtime


def backend_settings():
    """The settings that the manifest of the backend declares, as `{name: value}`.

    Values are `str`, `bool`, `int` or `float`, as the type of the setting says. One that is not given has its default;
    None without one. The server has checked them.
    """
    return dict(runtime.current().settings)
