"""Ray, where work is spread over the GPUs or machines of a cluster; an extra that not everybody installs."""

import socket
from typing import Any

from toolbox.system.paths import REPOSITORY

_SECONDS = 5


def connect_to_ray(address: str) -> Any:
    """Connect this process to a cluster, or start one on this machine.

    Args:
        address: 'local' for this machine alone, or a cluster's, as `ray.init` takes it: 'auto', or 'HOST:PORT'.

    Returns:
        The module `ray`; `ray.shutdown()` ends the connection.

    Raises:
        ValueError: Ray is not installed.
        ConnectionError: no cluster answers at the address.
    """
    try:
        import ray
    except ModuleNotFoundError as error:
        raise ValueError("--ray needs Ray: type pip install '.[ray]', or leave --ray out") from error
    _check_answer(address)
    # Workers start elsewhere: they find this code as this process does.
    environment = {'env_vars': {'PYTHONPATH': str(REPOSITORY)}}
    try:
        ray.init(address, runtime_env=environment, log_to_driver=False, logging_level='error')
    except ConnectionError as error:
        raise ConnectionError(
            f'--ray {address}: {error}. Start a cluster (ray start --head) and give its address; if it asks for a '
            "token, set RAY_AUTH_TOKEN as Ray's documentation says; or use --ray local"
        ) from error
    return ray


def _check_answer(address: str) -> None:
    """Ray itself tries for a quarter of an hour."""
    host, _, port = address.rpartition(':')
    if not port.isdigit():  # 'local', 'auto', or a client's address
        return
    try:
        socket.create_connection((host, int(port)), timeout=_SECONDS).close()
    except OSError as error:
        raise ConnectionError(
            f'--ray {address}: {error}. Start a cluster (ray start --head --port {port}) and give its address, or use '
            '--ray local'
        ) from error
