"""What restoring costs beyond the forward passes: both are run, and compared in pairs."""

from benchmarks.infer import InferBenchmark, Seconds, benchmark_infer
from toolbox.system.paths import CONFIGS


def test_pairs_are_compared_however_the_machine_slows_down():
    speeds = (1.0, 1.2, 5.0)
    forward = [Seconds(2 * speed, 4 * speed) for speed in speeds]
    job = [Seconds(2.2 * speed, 4.1 * speed) for speed in speeds]
    printed = str(InferBenchmark('a machine', 512, 4, 4, forward, job, large=''))
    assert printed.splitlines()[2].split() == ['forward', 'passes', 'alone', '600.0', '1200.0']
    assert printed.splitlines()[4].split() == ['more,', 'median', 'of', 'pairs', '10.0%', '2.5%']
    assert printed.splitlines()[5].split()[-2:] == ['0.0%', '0.0%']


def test_files_are_restored_and_timed(tmp_path):
    config = tmp_path / 'tiny.py'
    encoder = "dict(_delete_=True, type='TinyEncoder')"
    config.write_text(f"_base_ = ['{CONFIGS}/unetpp_cbam_b4.py']\nmodel = dict(encoder={encoder})\n")
    measured = benchmark_infer(str(config), size=64, images=3, batch_size=2, repeats=2, megapixels=1, device='cpu')
    assert len(measured.forward) == len(measured.job) == 2
    assert all(seconds > 0 for run in (*measured.forward, *measured.job) for seconds in run)
    assert 'one of 1 megapixels' in str(measured)
