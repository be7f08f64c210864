"""What trials are doing, said while they run."""

import json

from toolbox.experiment import progress
from toolbox.experiment.progress import TrialProgress, WatchedTrial
from toolbox.experiment.trials import TrialFolder


def a_trial(path):
    trial = TrialFolder(path)
    trial.create('', dict(arm='CBAM', seed=0, fold=1))
    return trial


def write(folder, *lines, end='\n'):
    with open(folder / 'scalars.jsonl', 'a', encoding='utf-8') as file:
        file.write('\n'.join(map(json.dumps, lines)) + end)


def test_a_line_at_the_start_and_at_each_validation(tmp_path, monkeypatch):
    trial, now, said = a_trial(tmp_path / 'trial'), [0.0], []
    monkeypatch.setattr(progress.time, 'monotonic', lambda: now[0])
    watched = WatchedTrial(trial.path, 'CBAM, seed 0, fold 1', max_epochs=4, max_steps=None)
    watching = TrialProgress([watched], 'score', said.append)
    watching.tell()
    assert said == []
    trial.set_state('running')
    watching.tell()
    assert said == ['CBAM, seed 0, fold 1: started']
    write(trial.path, {'step': 10, 'epoch': 1, 'loss': 0.5})
    watching.tell()
    now[0] = 30.0
    write(trial.path, {'step': 20, 'epoch': 1, 'val_score': 0.25, 'val_n': 3})
    write(trial.path, {'step': 40, 'epoch': 2, 'val_score': 0.5, 'val_n': 3}, end='')  # half written
    watching.tell()
    assert said[1:] == ['CBAM, seed 0, fold 1: epoch 1 of 4, score 0.2500, 1:30 left of this trial']
    now[0] = 50.0
    write(trial.path, end='\n')
    watching.tell()
    assert said[2:] == ['CBAM, seed 0, fold 1: epoch 2 of 4, score 0.5000, 0:50 left of this trial']


def test_what_was_written_before_is_not_said_again(tmp_path):
    trial, said = a_trial(tmp_path / 'trial'), []
    write(trial.path, {'step': 20, 'epoch': 1, 'val_score': 0.25, 'val_n': 3})
    trial.set_state('running')
    TrialProgress([WatchedTrial(trial.path, 'a', 4, 80)], 'score', said.append).tell()
    assert said == ['a: started']


def test_it_is_said_while_others_wait_for_the_trial(tmp_path, monkeypatch):
    monkeypatch.setattr(progress, '_POLL_SECONDS', 0.01)
    trial, said = a_trial(tmp_path / 'trial'), []
    with TrialProgress([WatchedTrial(trial.path, 'a', 4, None)], 'score', said.append):
        trial.set_state('running')
        for _ in range(500):
            if said:
                break
            progress.time.sleep(0.01)
    assert said == ['a: started']
