"""The whole command at a tiny scale on CPU: its files, going on, its page; and what it says of tests."""

import json

import pytest
import torch

from benchmarks.gpu import PARTS, benchmark_gpu
from benchmarks.gpu_checks import check_networks, read_report
from benchmarks.gpu_page import write_gpu_page
from benchmarks.gpu_scale import SCALES
from benchmarks.photos import prepare_photos
from tools import benchmark

JUNIT = """<testsuites><testsuite>
<testcase classname="a" name="passes"/><testcase classname="a" name="waits"><skipped/></testcase>{}
</testsuite></testsuites>"""


@pytest.fixture(scope='module')
def measured(tmp_path_factory):
    """The folder of a whole run, started in two goes."""
    folder = tmp_path_factory.mktemp('gpu')
    small = ['gpu', '--out', str(folder), '--scale', 'small', '--device', 'cpu']
    assert benchmark.main([*small, '--parts', 'scoring']) == 0
    scored = (folder / 'scoring.json').read_bytes()
    assert benchmark.main(small) == 0
    assert (folder / 'scoring.json').read_bytes() == scored  # what was there is kept
    return folder


def result(folder, part):
    return json.loads((folder / f'{part}.json').read_text())['result']


def test_networks_and_scorer_are_checked(measured):
    found = result(measured, 'correctness')
    assert found['ok']
    assert found['tests']['skipped'] == 'torch finds no CUDA here'
    assert {row['recipe'] for row in found['networks']} == {'unetpp_cbam_b4', 'palette_b4', 'restorer_lite0'}
    assert len(found['networks']) == 2 + 3 + 2
    # Float32 is near float64 and not equal to it: something was compared.
    assert all(0 < row['output'] < 1e-3 and 0 < row['gradient'] < 1e-2 for row in found['networks'])
    assert [row['size'] for row in found['scorer']] == [64, 257, 512]


def test_training_is_timed_beside_the_published_recipe(measured):
    found = result(measured, 'training')
    assert set(found['rows']) == {'published recipe, plain', 'Huefill'}
    for row in found['rows'].values():
        assert 'error' not in row
        assert row['photos_per_second'] > 0
        assert row['peak_memory'] > 0.05
    assert len({row['peak_memory'] for row in found['rows'].values()}) == 2  # of each process, not of this one
    assert 0 <= found['rows']['Huefill']['share_ready'] <= 1
    milliseconds = [row['milliseconds'] for row in found['profile']]
    assert milliseconds == sorted(milliseconds, reverse=True)
    assert any('conv' in row['name'] for row in found['profile'])


def test_the_page_shows_every_part_and_says_what_was_skipped(measured):
    page = (measured / 'report.html').read_text()
    for title in ('Machine', 'Correctness', 'Training', 'Profile', 'Scoring', 'Restoring'):
        assert f'<h2>{title}</h2>' in page
    assert 'skipped, torch finds no CUDA here' in page
    assert 'skipped, needs two GPUs, found 0' in page
    assert 'Not measured' not in page


def test_a_part_of_another_scale_is_measured_anew_and_a_page_names_what_is_missing(measured, tmp_path, monkeypatch):
    content = json.loads((measured / 'scoring.json').read_text())
    content['setting'] |= dict(scale='full', batch_size=SCALES['full'].batch_size)
    (tmp_path / 'scoring.json').write_text(json.dumps(content))

    def fail(*_):
        raise OSError('this part cannot be measured')

    monkeypatch.setattr('benchmarks.gpu.benchmark_score', fail)
    with pytest.raises(ValueError, match='scoring failed'):
        benchmark_gpu(str(tmp_path), parts=['scoring'], scale='small', device='cpu')
    benchmark_gpu(str(tmp_path), parts=['scoring'], scale='full', device='cpu')
    assert 'Not measured: correctness, training, restoring' in (tmp_path / 'report.html').read_text()


def test_parts_of_several_machines_are_told(measured, tmp_path):
    parts = {part: json.loads((measured / f'{part}.json').read_text()) for part in ('scoring', 'restoring')}
    parts['scoring']['machine']['torch'] = 'another'
    page = write_gpu_page(tmp_path, parts, PARTS).read_text()
    assert 'measured on different machines' in page


def test_a_network_that_computes_otherwise_is_found(monkeypatch):
    def skewed(self, x):
        return torch.nn.functional.relu(x) * (1.01 if x.dtype == torch.float32 else 1)

    monkeypatch.setattr(torch.nn.ReLU, 'forward', skewed)
    rows = check_networks('palette_b4', 64, SCALES['small'].options, 'cpu')
    assert not any(row['ok'] for row in rows)


def test_what_pytest_reports_is_read():
    assert read_report(JUNIT.format('')) == dict(passed=1, skipped=1, failed=0, failures=[], ok=True)
    found = read_report(JUNIT.format('<testcase classname="b" name="breaks"><failure/></testcase>'))
    assert (found['failures'], found['ok']) == (['b.breaks'], False)
    assert not read_report('<testsuites><testsuite><testcase><skipped/></testcase></testsuite></testsuites>')['ok']


def test_the_tool_knows_the_parts_and_scales():
    known = benchmark.build_parser().parse_args(['gpu', '--out', 'out'])
    assert tuple(known.parts) == PARTS
    assert known.scale in SCALES


def test_photographs_are_brought_to_one_size_and_repeated(photo_folder, tmp_path):
    files = prepare_photos(str(photo_folder), tmp_path, 32, 11)
    assert len({file.name for file in files}) == 11
    assert files[0].read_bytes() == files[9].read_bytes()  # there are nine
    assert files[0].read_bytes() != files[1].read_bytes()
    assert prepare_photos(None, tmp_path, 32, 1)[0].read_bytes() != files[0].read_bytes()


@pytest.mark.skipif(torch.cuda.is_available(), reason='needs a machine without CUDA')
def test_a_missing_gpu_is_named(tmp_path):
    with pytest.raises(ValueError, match='--device cpu --scale small'):
        benchmark_gpu(str(tmp_path / 'out'))
    assert not (tmp_path / 'out').exists()
