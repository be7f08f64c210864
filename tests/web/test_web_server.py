"""How the page is served: to this computer alone, and no file but what it made."""

import http.client
import json
import socket
import urllib.request
from urllib.parse import urlsplit

import pytest

from toolbox.web import server
from toolbox.web.server import WebRequest, check_web
from tools import web


def get(address: str, host: str | None = None) -> tuple[int, dict, bytes]:
    """Status, headers and content, asked for by any path and any name of this computer."""
    parts = urlsplit(address)
    connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=30)
    connection.request('GET', parts.path or '/', headers={'Host': host or parts.netloc})
    answer = connection.getresponse()
    return answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()


@pytest.mark.parametrize('path', ['/etc/passwd', '//etc/passwd', '../../etc/passwd', '/proc/self/environ', 'setup.py'])
def test_files_of_this_computer_are_refused(address, path):
    status, _, content = get(f'{address}/gradio_api/file={path}')
    assert status in (403, 404)
    assert b'root:' not in content


def test_a_path_that_was_not_uploaded_is_refused(address):
    config = json.loads(get(f'{address}/config')[2])
    upload = next(event for event in config['dependencies'] if any(name == 'upload' for _, name in event['targets']))
    data = [None, [{'path': '/etc/passwd', 'meta': {'_type': 'gradio.FileData'}}], None, None, None]
    call = {'data': data[: len(upload['inputs'])], 'fn_index': upload['id'], 'session_hash': 'somebody'}
    request = urllib.request.Request(
        f'{address}/gradio_api/queue/join', json.dumps(call).encode(), {'Content-Type': 'application/json'}
    )
    with urllib.request.urlopen(request, timeout=30):
        pass
    with urllib.request.urlopen(f'{address}/gradio_api/queue/data?session_hash=somebody', timeout=30) as answer:
        told = answer.read().decode()
    assert '"success":false' in told.replace(' ', '')
    assert 'root:' not in told


def test_a_browser_is_told_to_load_nothing_from_elsewhere(address):
    status, headers, _ = get(address)
    assert status == 200
    policy = headers['content-security-policy']
    assert "default-src 'self'" in policy
    assert 'http' not in policy
    assert headers['referrer-policy'] == 'no-referrer'


def test_other_names_do_not_lead_here(address):
    """A page elsewhere whose name is made to mean this computer could read what people restore."""
    assert get(address, host='evil.example')[0] == 400


def test_only_this_computer_is_served(address):
    assert urlsplit(address).hostname == '127.0.0.1'
    with socket.socket() as probe:
        probe.settimeout(2)
        assert probe.connect_ex((socket.gethostbyname(socket.gethostname()), urlsplit(address).port)) != 0 or (
            socket.gethostbyname(socket.gethostname()).startswith('127.')
        )


def test_nothing_is_recorded_or_shared(address):
    config = json.loads(get(f'{address}/config')[2])
    assert config['analytics_enabled'] is False
    assert config['run_history'] is False
    assert config['footer_links'] == []
    assert get(f'{address}/monitoring')[0] in (403, 404)


def test_without_gradio_it_says_what_to_type(monkeypatch, capsys):
    monkeypatch.setattr(server, 'find_spec', lambda name: None)
    assert web.main([]) == 2
    assert "pip install 'huefill[web]'" in capsys.readouterr().err


def test_a_port_that_is_taken_is_told(monkeypatch):
    monkeypatch.setattr(server, 'find_spec', lambda name: True)
    with socket.socket() as taken:
        taken.bind(('127.0.0.1', 0))
        taken.listen()
        with pytest.raises(ValueError, match='give another --host or --port'):
            check_web(WebRequest(port=taken.getsockname()[1]))


@pytest.mark.parametrize('arguments', [['--port', '70000'], ['--port', 'x'], ['--auth', 'name'], ['--auth', ':word']])
def test_wrong_arguments(arguments, capsys):
    with pytest.raises(SystemExit) as end:
        web.main(arguments)
    assert end.value.code == 2
    assert 'expected' in capsys.readouterr().err
