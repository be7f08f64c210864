import pytest
import torch
from torch import nn

from toolbox.training.ema import WeightAverage


def network():
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(3, 2), nn.BatchNorm1d(2))


def test_the_average_follows_its_rule():
    module = network()
    average = WeightAverage(module, decay=0.5)
    expected = module[0].weight.detach().double()
    for number in range(1, 12):
        with torch.no_grad():
            module[0].weight += 1.0
            module[1].num_batches_tracked += 1
        average.update()
        decay = min(0.5, (1 + number) / (10 + number))
        expected = decay * expected + (1 - decay) * module[0].weight.detach().double()
    torch.testing.assert_close(average.average['0.weight'].double(), expected, rtol=1e-6, atol=1e-6)
    assert average.average['1.num_batches_tracked'] == 11


def test_the_module_has_the_average_within_alone():
    module = network()
    average = WeightAverage(module, decay=0.9)
    with torch.no_grad():
        module[0].weight.zero_()
    trained = module[0].weight.clone()
    average.update()
    with pytest.raises(RuntimeError, match='planted'), average.applied():  # noqa: PT012
        assert torch.equal(module[0].weight, average.average['0.weight'])
        raise RuntimeError('planted')
    assert torch.equal(module[0].weight, trained)


def test_it_goes_on_where_it_was():
    first, second = network(), network()
    one, two = WeightAverage(first, 0.9), WeightAverage(second, 0.9)
    one.update()
    with torch.no_grad():
        first[0].weight += 1
    one.update()
    two.load_state_dict(one.state_dict())
    second.load_state_dict(first.state_dict())
    one.update()
    two.update()
    assert all(torch.equal(one.average[name], two.average[name]) for name in one.average)
