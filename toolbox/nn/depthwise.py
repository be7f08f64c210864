"""Depthwise convolutions of encoders, whose gradients torch computes slowly on CPU.

oneDNN's gradient of depthwise weights in channels_last is fast for kernels of up to three columns. Wider ones took five
to ten times as long, and in bfloat16 so did the input's gradient of a strided convolution (docs/benchmarks.md). Here
the gradient of a wide kernel is put together from those of narrow ones, and inputs' gradients are computed in float32.
"""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

_COLUMNS = 3  # of a kernel, whose gradient is fast


def speed_up_depthwise(module: nn.Module) -> None:
    """Make a `DepthwiseConv2d` of each depthwise convolution that a module has; names, parameters and hooks stay."""
    for part in module.modules():
        if type(part) is nn.Conv2d and _is_plain_depthwise(part):
            part.__class__ = DepthwiseConv2d


def _is_plain_depthwise(conv: nn.Conv2d) -> bool:
    return (
        conv.groups == conv.in_channels == conv.out_channels
        and conv.groups > 1
        and conv.dilation == (1, 1)
        and conv.padding_mode == 'zeros'
        and not isinstance(conv.padding, str)
    )


class DepthwiseConv2d(nn.Conv2d):
    """A depthwise convolution, without dilation and padded with zeros; `speed_up_depthwise` makes them."""

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) -> (N, C, H', W')."""
        if not x.is_cpu or not torch.is_grad_enabled():
            return super().forward(x)
        weight, bias = self.weight, self.bias
        if torch.is_autocast_enabled('cpu'):  # which does not look into functions with gradients of their own
            dtype = torch.get_autocast_dtype('cpu')
            x, weight, bias = x.to(dtype), weight.to(dtype), None if bias is None else bias.to(dtype)
        return _DepthwiseConv.apply(x, weight, bias, self.stride, self.padding)


class _DepthwiseConv(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, x: Tensor, weight: Tensor, bias: Tensor | None, stride: tuple[int, int], padding: tuple[int, int]
    ) -> Tensor:
        ctx.save_for_backward(x, weight)
        ctx.stride, ctx.padding = stride, padding
        return functional.conv2d(x, weight, bias, stride, padding, groups=len(weight))

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        x, weight = ctx.saved_tensors
        of_input, of_weight, of_bias, *_ = ctx.needs_input_grad
        return (
            _gradient_of_input(grad, x, weight, ctx.stride, ctx.padding) if of_input else None,
            _gradient_of_weight(grad, x, weight, ctx.stride, ctx.padding) if of_weight else None,
            grad.sum((0, 2, 3)) if of_bias else None,
            None,
            None,
        )


def _gradient_of_input(
    grad: Tensor, x: Tensor, weight: Tensor, stride: Sequence[int], padding: Sequence[int]
) -> Tensor:
    wide = torch.promote_types(x.dtype, torch.float32)
    like_x = torch.empty_like(x, dtype=wide)  # only its shape and layout are looked at
    return _gradients(grad.to(wide), like_x, weight.to(wide), stride, padding, (True, False))[0].to(x.dtype)


def _gradient_of_weight(
    grad: Tensor, x: Tensor, weight: Tensor, stride: Sequence[int], padding: Sequence[int]
) -> Tensor:
    columns = weight.shape[-1]
    if columns <= _COLUMNS:
        return _gradients(grad, x, weight, stride, padding, (False, True))[1]
    parts = []
    for first in range(0, columns, _COLUMNS):
        kernel = weight[..., first : first + _COLUMNS]
        # The columns of x that this part of the kernel meets; padding by a negative number cuts.
        begin = first - padding[1]
        end = begin + (grad.shape[-1] - 1) * stride[1] + kernel.shape[-1]
        if end <= 0 or begin >= x.shape[-1]:
            parts.append(torch.zeros_like(kernel))  # it meets nothing but padding
            continue
        met = functional.pad(x, (-begin, end - x.shape[-1]))
        parts.append(_gradients(grad, met, kernel, stride, (padding[0], 0), (False, True))[1])
    return torch.cat(parts, dim=-1)


def _gradients(
    grad: Tensor,
    x: Tensor,
    weight: Tensor,
    stride: Sequence[int],
    padding: Sequence[int],
    wanted: tuple[bool, bool],
) -> tuple[Tensor, Tensor, Tensor]:
    """torch's own gradients of a depthwise convolution, of its input and its weight."""
    return torch.ops.aten.convolution_backward(
        grad, x, weight, None, stride, padding, (1, 1), False, (0, 0), len(weight), (*wanted, False)
    )
