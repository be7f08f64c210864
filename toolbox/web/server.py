"""Serves the page: bound to this computer unless asked otherwise, with nothing fetched from elsewhere."""

import os
import socket
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from toolbox.system.interruption import StopRequest, stop_on_signals

LOOPBACK = ('127.0.0.1', 'localhost', '::1')
# Of one uploaded file.
MAX_UPLOAD_BYTES = 200_000_000
_LISTEN_SECONDS = 0.2  # between looks for a signal
# A browser loads nothing but from here, and no other page may frame this one.
_POLICY = (
    "default-src 'self' data: blob:; script-src 'self' blob: 'unsafe-inline' 'unsafe-eval'; "
    "style-src 'self' 'unsafe-inline'; frame-ancestors 'none'; form-action 'self'; base-uri 'self'"
)
_HEADERS = {
    'content-security-policy': _POLICY,
    'referrer-policy': 'no-referrer',
    'x-content-type-options': 'nosniff',
}


@dataclass(frozen=True)
class WebRequest:
    """A page that can be served.

    Attributes:
        checkpoints: files or run folders; none: the shipped model.
        host, port: where; port 0 for any that is free.
        device: see `Restorer.from_checkpoints`.
        auth: name and password that a person has to give, or None.
    """

    checkpoints: Sequence[str | Path] = ()
    host: str = '127.0.0.1'
    port: int = 7860
    device: str = 'auto'
    auth: tuple[str, str] | None = None


def check_web(request: WebRequest) -> None:
    """Raise what is wrong with a request before a heavy library is loaded.

    Raises:
        ValueError: Gradio is missing, or the port is taken.
    """
    if find_spec('gradio') is None:
        raise ValueError("the page needs Gradio: pip install 'huefill[web]'")
    family = socket.AF_INET6 if ':' in request.host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((request.host, request.port))
        except (OSError, OverflowError) as error:
            raise ValueError(f'{request.host}, port {request.port}: {error}; give another --host or --port') from error


def serve(request: WebRequest) -> None:
    """Serve the page until Ctrl-C, or SIGTERM."""
    check_web(request)
    stop = StopRequest()
    with stop_on_signals(stop), serving(request) as url:
        print(f'open {url} in a browser; Ctrl-C ends', flush=True)
        if request.host not in LOOPBACK:
            who = 'who knows the password' if request.auth else 'anybody; --auth USER:PASSWORD asks for a password'
            print(f'note: this page can be used from other computers, by {who}', flush=True)
        while stop.signal_number is None:
            time.sleep(_LISTEN_SECONDS)
    print('ended; the files that the page made are removed', flush=True)


@contextmanager
def serving(request: WebRequest) -> Iterator[str]:
    """Within, the page is served; gives its address. Afterwards all files that it made are gone.

    Raises:
        FileNotFoundError, ValueError: a checkpoint that cannot be used.
    """
    with tempfile.TemporaryDirectory(prefix='huefill-web-') as folder:
        before = {name: os.environ.get(name) for name in _environment(folder)}
        os.environ.update(_environment(folder))  # read when Gradio is imported, and when parts are made
        try:
            page, arguments = _page(request, Path(folder))
            _, url, _ = page.launch(**arguments)
            try:
                yield url
            finally:
                page.close(verbose=False)
        finally:
            for name, value in before.items():
                os.environ.pop(name, None)
                if value is not None:
                    os.environ[name] = value


def _environment(folder: str) -> dict[str, str]:
    return {
        'GRADIO_TEMP_DIR': str(Path(folder) / 'files'),
        'GRADIO_ANALYTICS_ENABLED': 'False',
        'HF_HUB_DISABLE_TELEMETRY': '1',
        'DO_NOT_TRACK': '1',
        # Gradio asks itself whether it is up.
        'NO_PROXY': ','.join(filter(None, [os.environ.get('NO_PROXY'), *LOOPBACK])),
    }


def _page(request: WebRequest, folder: Path) -> tuple[Any, dict[str, Any]]:
    """The page with its actions, and how it is to be launched."""
    from starlette.middleware import Middleware
    from starlette.middleware.trustedhost import TrustedHostMiddleware

    from toolbox.web.actions import Actions
    from toolbox.web.examples import write_examples
    from toolbox.web.models import Models
    from toolbox.web.page import CSS, build, theme

    models = Models(request.checkpoints, request.device)
    models.restorer(models.default)  # what is wrong with it is told now
    for name in ('files', 'examples', 'outputs'):
        (folder / name).mkdir()
    examples = write_examples(folder / 'examples')
    is_local = request.host in LOOPBACK
    page, parts, buttons = build(models, examples, folder / 'outputs', is_local)
    with page:
        Actions(parts, models).connect(list(zip(buttons, examples.values(), strict=True)))
    page.queue(api_open=False, max_size=100)
    middleware = [Middleware(_SafeHeaders)]
    if is_local and ':' not in request.host:  # no other name may lead here: else a page elsewhere could read this one
        middleware.append(Middleware(TrustedHostMiddleware, allowed_hosts=['127.0.0.1', 'localhost']))
    return page, dict(
        server_name=request.host,
        server_port=request.port or None,
        auth=request.auth,
        share=False,
        _frontend=False,  # skips a look at the page that gives up after three seconds; it is served all the same
        prevent_thread_lock=True,
        quiet=True,
        footer_links=[],
        run_history=False,
        enable_monitoring=False,
        ssr_mode=False,
        pwa=False,
        mcp_server=False,
        max_file_size=MAX_UPLOAD_BYTES,
        theme=theme(),
        css_paths=[CSS],
        app_kwargs={'middleware': middleware},
    )


class _SafeHeaders:
    """ASGI middleware: each answer tells the browser to load nothing from elsewhere."""

    def __init__(self, app: Any) -> None:
        self.app = app

    async def __call__(self, scope: dict, receive: Any, send: Any) -> None:
        async def with_headers(message: dict) -> None:
            if message['type'] == 'http.response.start':
                added = [(name.encode(), value.encode()) for name, value in _HEADERS.items()]
                message = {**message, 'headers': [*message['headers'], *added]}
            await send(message)

        await self.app(scope, receive, with_headers)
