"""Encoders that fail in their own ways, for `custom_imports`: in the tryout, in training, or without a word."""

import os
import signal

import torch
from torch import Tensor

from toolbox.plugin.registry import ENCODERS

_Tiny = ENCODERS.get('TinyEncoder')
_LATER = 6  # forward passes, two per step: after the one batch that is tried


class _Failing(_Tiny):
    """Counts training steps and fails at one of them."""

    def __init__(self, in_channels: int) -> None:
        super().__init__(in_channels)
        self.passes = 0

    def forward(self, x: Tensor) -> list[Tensor]:
        self.passes += self.training
        if self.passes >= _LATER:
            self.fail()
        return super().forward(x)

    def fail(self) -> None:
        raise NotImplementedError


@ENCODERS.register_module()
class CrashingEncoder(_Failing):
    def fail(self) -> None:
        raise RuntimeError('planted: a shape that does not fit')


@ENCODERS.register_module()
class HungryEncoder(_Failing):
    def fail(self) -> None:
        torch.empty(2**50)


@ENCODERS.register_module()
class KilledEncoder(_Failing):
    def fail(self) -> None:
        os.kill(os.getpid(), signal.SIGKILL)


@ENCODERS.register_module()
class CrashingAtOnceEncoder(_Failing):
    def forward(self, x: Tensor) -> list[Tensor]:
        raise RuntimeError('planted: fails on the first batch')
