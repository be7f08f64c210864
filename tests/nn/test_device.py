import pytest
import torch

from toolbox.nn.device import default_device, is_out_of_memory, prediction_precision, training_precision

CPU, CUDA = torch.device('cpu'), torch.device('cuda')


@pytest.mark.parametrize(
    ('capabilities', 'expected'),
    [({'amx_bf16': True}, 'bf16'), ({'avx512_bf16': True, 'amx_bf16': False}, 'float32'), ({}, 'float32')],
)
def test_auto_trains_in_bf16_on_cpus_that_multiply_matrices_of_it(monkeypatch, capabilities, expected):
    monkeypatch.setattr(torch.cpu, 'get_capabilities', lambda: capabilities, raising=False)
    assert training_precision('auto', CPU) == expected


def test_auto_trains_in_float32_where_torch_cannot_tell(monkeypatch):
    monkeypatch.delattr(torch.cpu, 'get_capabilities', raising=False)
    assert training_precision('auto', CPU) == 'float32'


@pytest.mark.parametrize(('has_units', 'expected'), [(True, 'bf16'), (False, 'float32')])
def test_auto_trains_in_bf16_on_gpus_that_do_not_emulate_it(monkeypatch, has_units, expected):
    monkeypatch.setattr(torch.cuda, 'is_bf16_supported', lambda including_emulation: has_units or including_emulation)
    assert training_precision('auto', CUDA) == expected


@pytest.mark.parametrize('precision', ['bf16', 'float32'])
@pytest.mark.parametrize('device', [CPU, CUDA])
def test_what_is_asked_for_is_taken(precision, device):
    assert training_precision(precision, device) == precision == prediction_precision(precision)


def test_auto_restores_in_float32():
    assert prediction_precision('auto') == 'float32'


@pytest.mark.parametrize(('available', 'expected'), [(True, 'cuda'), (False, 'cpu')])
def test_the_gpu_is_taken_where_there_is_one(monkeypatch, available, expected):
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: available)
    assert default_device().type == expected


@pytest.mark.parametrize(
    ('error', 'expected'),
    [
        (torch.OutOfMemoryError('CUDA out of memory. Tried to allocate 2.00 GiB'), True),
        (RuntimeError('cuDNN error: CUDNN_STATUS_ALLOC_FAILED'), True),
        (RuntimeError('cuDNN error: CUDNN_STATUS_INTERNAL_ERROR_DEVICE_ALLOCATION_FAILED'), True),
        (RuntimeError('CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`'), True),
        (RuntimeError('CUDA error: out of memory'), True),
        (RuntimeError("[enforce fail at alloc_cpu.cpp:121] DefaultCPUAllocator: can't allocate memory"), True),
        (MemoryError(), True),
        (RuntimeError('CUDA error: an illegal memory access was encountered'), False),
        (RuntimeError('cuDNN error: CUDNN_STATUS_NOT_SUPPORTED'), False),
        (ValueError('out of memory with a single photograph at a time'), False),
    ],
)
def test_what_says_that_memory_ran_out(error, expected):
    assert is_out_of_memory(error) is expected
