import math

from toolbox.training.early_stopping import BestScore


def run(scores, **options):
    best = BestScore(**options)
    flags = []
    for score in scores:
        flags.append(best.update(score, dict(score=score)))
        if best.should_stop:
            break
    return best, flags


def test_best_is_what_exceeds_all_before():
    best, flags = run([0.2, 0.1, 0.2, 0.3])
    assert flags == [True, False, False, True]
    assert best.best == dict(score=0.3)


def test_stops_after_patience_validations_without_an_improvement():
    _, flags = run([0.5, 0.4, 0.4, 0.6], patience=2)
    assert len(flags) == 3


def test_small_steps_count_as_best_but_not_as_improvement():
    best, flags = run([0.500, 0.505, 0.509, 0.9], patience=2, min_delta=0.01)
    assert flags == [True, True, True]
    assert best.best == dict(score=0.509)


def test_steps_that_add_up_to_more_than_min_delta_are_an_improvement():
    best, flags = run([0.500, 0.508, 0.516], patience=2, min_delta=0.01)
    assert len(flags) == 3
    assert not best.should_stop


def test_lower_can_be_better():
    best, flags = run([3.0, 2.0, 2.5], higher_is_better=False)
    assert flags == [True, True, False]
    assert best.best == dict(score=2.0)


def test_nan_is_never_better_and_does_not_stop_by_itself():
    best, flags = run([math.nan, 0.1, math.nan], patience=2)
    assert flags == [False, True, False]
    assert not best.should_stop


def test_the_counter_survives_a_resume():
    first, _ = run([0.5, 0.4], patience=2)
    second = BestScore(patience=2)
    second.load_state_dict(first.state_dict())
    assert not second.update(0.45, {})
    assert second.should_stop
    assert second.best == dict(score=0.5)
