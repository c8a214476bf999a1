"""A ReLU and the depthwise convolution after it as one module, where an operation has them in sequence."""

from __future__ import annotations

from torch import Tensor, nn

from pde_ops.cpu.depthwise import relu_depthwise


class ReluDepthwise(nn.Conv2d):
    """The convolution whose parameters it takes over, of the input's positive part."""

    def __init__(self, convolution: nn.Conv2d) -> None:
        nn.Module.__init__(self)
        self.__dict__.update({k: v for k, v in convolution.__dict__.items() if k not in self.__dict__})
        self.weight, self.bias = convolution.weight, None

    def forward(self, x: Tensor) -> Tensor:
        return relu_depthwise(x, self.weight, stride=self.stride[0], dilation=self.dilation[0])


def fuse(module: nn.Module) -> None:
    """Changes ``module`` in place, and no name of a parameter."""
    for sequence in [part for part in module.modules() if isinstance(part, nn.Sequential)]:
        for place in range(len(sequence) - 1):
            first, second = sequence[place], sequence[place + 1]
            if type(first) is nn.ReLU and type(second) is nn.Conv2d and _plain(second):
                sequence[place], sequence[place + 1] = nn.Identity(), ReluDepthwise(second)


def _plain(convolution: nn.Conv2d) -> bool:
    """Whether it is depthwise, square and without a bias, and only its stride changes the size."""
    kernel, stride, dilation = convolution.kernel_size, convolution.stride, convolution.dilation
    return (
        convolution.groups == convolution.in_channels == convolution.out_channels
        and convolution.bias is None
        and convolution.padding_mode == "zeros"
        and kernel[0] == kernel[1]
        and kernel[0] % 2 == 1
        and stride[0] == stride[1]
        and dilation[0] == dilation[1]
        and convolution.padding == (dilation[0] * (kernel[0] // 2),) * 2
    )
