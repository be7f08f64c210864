import os
import pickle

import pytest
import torch

from toolbox.training.checkpoint import checksum, read_checkpoint, save_checkpoint


def test_what_is_saved_is_read(tmp_path):
    content = dict(model=dict(weight=torch.arange(3.0)), epoch=2, metrics=dict(score=0.5), config='a = 1')
    save_checkpoint(content, tmp_path / 'best.pth')
    again = read_checkpoint(tmp_path / 'best.pth')
    assert torch.equal(again['model']['weight'], torch.arange(3.0))
    assert (again['epoch'], again['metrics'], again['config']) == (2, dict(score=0.5), 'a = 1')
    assert os.listdir(tmp_path) == ['best.pth']


def test_a_failed_save_leaves_the_previous_file(tmp_path):
    path = tmp_path / 'last.pth'
    save_checkpoint(dict(epoch=1), path)
    with pytest.raises(Exception, match=r'pickle|local object'):
        save_checkpoint(dict(epoch=2, bad=lambda: None), path)
    assert read_checkpoint(path)['epoch'] == 1
    assert os.listdir(tmp_path) == ['last.pth']


class _RunsCode:
    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


@pytest.mark.parametrize('save', [torch.save, lambda content, path: path.write_bytes(pickle.dumps(content))])
def test_a_pickle_that_would_run_code_is_refused(tmp_path, save):
    save(dict(format=1, model=_RunsCode(tmp_path / 'ran')), tmp_path / 'evil.pth')
    with pytest.raises(ValueError, match='refused'):
        read_checkpoint(tmp_path / 'evil.pth')
    assert not (tmp_path / 'ran').exists()


@pytest.mark.parametrize('keep', [0, 1, 100, -1])
def test_a_truncated_file_is_an_error_that_names_it(tmp_path, keep):
    save_checkpoint(dict(model=torch.zeros(1000)), tmp_path / 'best.pth')
    (tmp_path / 'cut.pth').write_bytes((tmp_path / 'best.pth').read_bytes()[:keep])
    with pytest.raises(ValueError, match=r'cut\.pth: (damaged|refused)'):
        read_checkpoint(tmp_path / 'cut.pth')


def test_other_files_are_none_of_ours(tmp_path):
    torch.save(dict(state_dict={}), tmp_path / 'other.pth')
    with pytest.raises(ValueError, match='not a Huefill checkpoint'):
        read_checkpoint(tmp_path / 'other.pth')
    with pytest.raises(FileNotFoundError, match='no checkpoint'):
        read_checkpoint(tmp_path / 'absent.pth')


def test_no_damage_goes_unseen(tmp_path):
    torch.manual_seed(0)
    path = tmp_path / 'last.pth'
    save_checkpoint(dict(model=dict(weight=torch.rand(500)), random=torch.arange(100), epoch=3), path)
    good, expected = path.read_bytes(), checksum(read_checkpoint(path))
    seen = 0
    for position in range(0, len(good), 7):
        damaged = bytearray(good)
        damaged[position] ^= 0x55
        path.write_bytes(damaged)
        try:
            content = read_checkpoint(path)
        except ValueError as error:
            assert 'last.pth' in str(error)  # noqa: PT017
            seen += 1
        else:  # in padding, or in what the archive says twice
            assert checksum(content) == expected
    assert seen > len(good) // 7 // 2


def test_the_checksum_tells_values_types_and_shapes_apart():
    contents = [
        1,
        1.0,
        '1',
        True,
        None,
        [1],
        dict(a=1),
        dict(b=1),
        torch.ones(2),
        torch.ones(1, 2),
        torch.ones(2).int(),
    ]
    contents += [torch.zeros(0), torch.tensor(1.0), torch.ones(2, dtype=torch.bfloat16), [[1], 2], [1, [2]]]
    assert len({checksum(content) for content in contents}) == len(contents)
    assert checksum(dict(a=torch.ones(3, 2).T)) == checksum(dict(a=torch.ones(2, 3)))
