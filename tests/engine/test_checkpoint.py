import os
import pickle

import pytest
import torch

from toolbox.engine.checkpoint import read_checkpoint, save_checkpoint


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
