"""The project's modules, and those of the libraries that it uses, as calls of the pieces and of torch's own classes."""

from __future__ import annotations

from typing import Any

from torch import nn

from training.export.network import NotExportable
from training.export.standalone.code import Call, Channels, Name
from training.export.standalone.writer import Writer, writes

PRIMITIVES, FAMILIES = "search_space.primitives", "search_space.families"
TIMM = "timm.models"


@writes(
    f"{PRIMITIVES}.global_layers.GlobalPrimitive", f"{PRIMITIVES}.whole_map.WholeMapPrimitive",
    f"{FAMILIES}.mobile.StageGlobal", f"{PRIMITIVES}.convolutions._Pool",
)  # fmt: skip
def _layer(writer: Writer, module: Any) -> Call:
    return writer.call(module.layer).below("layer")


@writes(f"{PRIMITIVES}.convolutions.SkipConnect")
def _skip(writer: Writer, module: Any) -> Call:
    return writer.call(module.reduce).below("reduce")


@writes(f"{PRIMITIVES}.convolutions._Separable")
def _separable(writer: Writer, module: Any) -> Call:
    convolutions = [layer for layer in module.layers if isinstance(layer, nn.Conv2d) and layer.groups > 1]
    convolutions = convolutions or list(module.layers)[1::4]  # of one channel each is depthwise
    strides = tuple(convolution.stride[0] for convolution in convolutions)
    first = convolutions[0]
    options = {} if module.dilation == 1 else {"dilation": module.dilation}
    flags = ["dilated"] if options else []
    channels = Channels(first.in_channels)
    call = writer.piece("SeparableConv", channels, first.kernel_size[0], strides, flags=flags, **options)
    return call.below("layers")


@writes(f"{PRIMITIVES}.convolutions.ReluConvNorm")
def _relu_conv_norm(writer: Writer, module: Any) -> Call:
    return writer.piece("ReluConvNorm", module[1].in_channels, Channels(module[1].out_channels))


@writes(f"{PRIMITIVES}.convolutions.FactorizedReduction")
def _reduction(writer: Writer, module: Any) -> Call:
    inputs, outputs = module.even.in_channels, module.norm.num_features
    if module.odd is None:
        return writer.piece("EvenReduction", Channels(inputs))
    return writer.piece("FactorizedReduction", Channels(inputs), Channels(outputs))


@writes(f"{PRIMITIVES}.depthwise._Depthwise")
def _depthwise(writer: Writer, module: Any) -> Call:
    conv = module.conv
    return writer.piece(
        "Depthwise", Channels(conv.in_channels), conv.kernel_size[0], *_stride(conv.stride[0])
    )


@writes(f"{PRIMITIVES}.depthwise.DepthwiseSplit")
def _depthwise_split(writer: Writer, module: Any) -> Call:
    return writer.piece("DepthwiseSplit", Channels(module.norm.num_features), *_stride(module.stride))


@writes(f"{PRIMITIVES}.none.Nothing")
def _nothing(writer: Writer, module: Any) -> Call:
    return writer.piece("Zeros", *_stride(module.stride))


@writes(f"{PRIMITIVES}.global_layers.StridedInit")
def _strided_init(writer: Writer, module: Any) -> Call:
    return writer.piece("HalvingInit", Channels(module[1].in_channels))


@writes("search_space.cells.network.AuxiliaryHead")
def _auxiliary_head(writer: Writer, module: Any) -> Call:
    return writer.piece("AuxiliaryHead", module[2].in_channels, module[-1].out_features)


@writes("pde_ops.whole_map.heat.HeatLayer", "pde_ops.whole_map.implicit_layer.ImplicitLayer")
def _whole_map(writer: Writer, module: Any) -> Call:
    channels = Channels(module.out_norm.num_features)
    name = type(module).__name__
    if module.init is None:
        return writer.piece(name, channels)
    return writer.piece(name, channels, writer.call(module.init), flags=["init"])


@writes("pde_ops.blocks.BasicBlock")
def _basic_block(writer: Writer, module: Any) -> Call:
    separable = not isinstance(module.conv1, nn.Conv2d)
    if module.shortcut is not None:
        raise NotExportable("there is no plain form of pde_ops.blocks.BasicBlock of two widths")
    return writer.piece("SeparableBasicBlock" if separable else "BasicBlock", Channels(module.out_channels))


@writes("pde_ops.blocks.Bottleneck", "pde_ops.blocks.DenseInit")
def _of_channels(writer: Writer, module: Any) -> Call:
    return writer.piece(type(module).__name__, Channels(module.channels))


@writes(f"{FAMILIES}.blocks.ConvNormAct")
def _conv_norm_act(writer: Writer, module: Any) -> Call:
    return writer.piece("ConvNormAct", module.conv.in_channels, module.conv.out_channels)


@writes(f"{FAMILIES}.blocks.Residual")
def _residual(writer: Writer, module: Any) -> Call:
    flags = ["shortcut"] if module.shortcut is not None else []
    return writer.piece("Residual", *module.channels, *_stride(module.stride), flags=flags)


@writes(f"{FAMILIES}.blocks.DenseLayer")
def _dense_layer(writer: Writer, module: Any) -> Call:
    return writer.piece("DenseLayer", module.channels, module.growth)


@writes(f"{FAMILIES}.blocks.Transition")
def _transition(writer: Writer, module: Any) -> Call:
    return writer.piece("Transition", module.conv.in_channels, module.conv.out_channels)


@writes(f"{FAMILIES}.blocks.NormAct")
def _norm_act(writer: Writer, module: Any) -> Call:
    return writer.piece("NormAct", module.norm.num_features)


@writes(f"{FAMILIES}.family.Classifier")
def _classifier(writer: Writer, module: Any) -> Call:
    linear, dropout = module.linear, module.dropout.p
    more, flags = ((dropout,), ["dropout"]) if dropout else ((), [])
    return writer.piece("Classifier", linear.in_features, linear.out_features, *more, flags=flags)


@writes(f"{FAMILIES}.mnist.DigitStem", f"{FAMILIES}.mnist.Downsampling")
def _digit_stem(writer: Writer, module: Any) -> Call:
    return writer.piece(type(module).__name__, *module.channels)


@writes(f"{FAMILIES}.mnist.PreActivation")
def _pre_activation(writer: Writer, module: Any) -> Call:
    return writer.piece("PreActivation", module.channels)


@writes(f"{FAMILIES}.mnist.DigitHead", f"{FAMILIES}.mnist.PooledClassifier")
def _digit_head(writer: Writer, module: Any) -> Call:
    return writer.piece(type(module).__name__, module.linear.in_features, module.linear.out_features)


@writes("search_space.baselines.evolution.Evolution")
def _evolution(writer: Writer, module: Any) -> Call:
    return writer.piece("Evolution", writer.call(module.field), module.evaluations // 2)


@writes("search_space.baselines.evolution.DifferentialField")
def _differential_field(writer: Writer, module: Any) -> Call:
    return writer.piece("DifferentialField", module.channels)


@writes(f"{FAMILIES}.timm_blocks.ConvAct", f"{FAMILIES}.inverted_residual.Stem")
def _conv_act(writer: Writer, module: Any) -> Call:
    conv = module.conv
    sizes = (conv.in_channels, conv.out_channels, conv.kernel_size[0], conv.stride[0])
    return writer.piece("ConvAct", *sizes, **_act(writer, module.activation))


@writes(f"{FAMILIES}.timm_blocks.MobileBlock")
def _mobile_block(writer: Writer, module: Any) -> Call:
    return writer.call(module.block).below("block")


@writes(f"{TIMM}._efficientnet_blocks.InvertedResidual")
def _inverted(writer: Writer, module: Any) -> Call:
    widths = (module.conv_pw.in_channels, module.conv_pw.out_channels, module.conv_pwl.out_channels)
    return _mobile(writer, "InvertedResidual", widths, module)


@writes(f"{TIMM}._efficientnet_blocks.DepthwiseSeparableConv")
def _separable_block(writer: Writer, module: Any) -> Call:
    return _mobile(
        writer, "SeparableBlock", (module.conv_pw.in_channels, module.conv_pw.out_channels), module
    )


def _mobile(writer: Writer, name: str, widths: tuple[int, ...], module: Any) -> Call:
    conv = module.conv_dw
    options: dict[str, Any] = {}
    if conv.kernel_size[0] != 3:
        options["kernel"] = conv.kernel_size[0]
    if conv.stride[0] != 1:
        options["stride"] = conv.stride[0]
    options |= _act(writer, module.bn1.act)
    if isinstance(module.se, nn.Identity):
        return writer.piece(name, *widths, **options)
    reduce, gate = module.se.conv_reduce, module.se.gate
    writer.piece("SqueezeExcite", flags=["hard"] if _class(gate).text == "nn.Hardsigmoid" else [])
    return writer.piece(name, *widths, flags=["squeeze"], **options, squeeze=reduce.out_channels)


@writes(f"{FAMILIES}.timm_blocks.LateWidening")
def _late_widening(writer: Writer, module: Any) -> Call:
    linear = module.linear
    sizes = (module.conv.in_channels, module.conv.out_channels, linear.out_features)
    return writer.piece("WideningClassifier", *sizes, module.dropout.p, **_act(writer, module.activation))


@writes(f"{FAMILIES}.inverted_residual.InvertedResidual")
def _mixing_block(writer: Writer, module: Any) -> Call:
    mixed = {name: layer for name, layer in module.layers.named_children() if name.startswith("mix")}
    mix = [writer.call(layer).whole() for name, layer in mixed.items() if not name.endswith("_act")]
    of = module.of
    options = {"squeezed": of.squeezed} if of.squeeze else {}
    options |= _act(writer, mixed["mix0_act"])
    skip, flags = module.drop_path is not None, ["squeeze"] if of.squeeze else []
    sizes = of.in_channels, of.inner, of.out_channels
    return writer.piece("MixingBlock", *sizes, mix, flags=flags, **options, skip=skip)


@writes(f"{TIMM}.resnet.ResNet")
def _resnet(writer: Writer, module: Any) -> Call:
    blocks = tuple(len(stage) for stage in (module.layer1, module.layer2, module.layer3, module.layer4))
    return writer.piece("ResNet", module.conv1.in_channels, blocks, module.fc.out_features)


@writes(f"{TIMM}.densenet.DenseNet")
def _densenet(writer: Writer, module: Any) -> Call:
    layers = [len(part) for name, part in module.features.named_children() if name.startswith("denseblock")]
    inputs, classes = module.features.conv0.in_channels, module.classifier.out_features
    return writer.piece("DenseNet", inputs, tuple(layers), classes)


@writes("torch.nn.modules.conv.Conv2d", f"{FAMILIES}.mnist.SingleConv")
def _conv(writer: Writer, module: nn.Conv2d) -> Call:
    if module.padding_mode != "zeros" or isinstance(module.padding, str):
        raise NotExportable(f"there is no plain form of a convolution with padding {module.padding_mode}")
    default = {"stride": 1, "padding": 0, "dilation": 1}
    values = {name: _one(getattr(module, name)) for name in default}
    options: dict[str, Any] = {name: value for name, value in values.items() if value != default[name]}
    if module.groups > 1:
        options["groups"] = module.groups
    if module.bias is None:
        options["bias"] = False
    return Call("nn.Conv2d", (module.in_channels, module.out_channels, _one(module.kernel_size)), options)


@writes("torch.nn.modules.batchnorm.BatchNorm2d")
def _batch_norm(writer: Writer, module: nn.BatchNorm2d) -> Call:
    options: dict[str, Any] = {} if module.eps == 1e-5 else {"eps": module.eps}
    options |= {} if module.affine else {"affine": False}
    options |= {} if module.track_running_stats else {"track_running_stats": False}
    return Call("nn.BatchNorm2d", (module.num_features,), options)


@writes("torch.nn.modules.linear.Linear")
def _linear(writer: Writer, module: nn.Linear) -> Call:
    options: dict[str, Any] = {} if module.bias is not None else {"bias": False}
    return Call("nn.Linear", (module.in_features, module.out_features), options)


@writes(
    "torch.nn.modules.linear.Identity", "pde_ops.blocks.Identity", "search_space.cells.drop_path.DropPath"
)
def _identity(writer: Writer, module: nn.Module) -> Call:
    return Call("nn.Identity")


@writes("torch.nn.modules.pooling.MaxPool2d")
def _max_pool(writer: Writer, module: nn.MaxPool2d) -> Call:
    return Call("nn.MaxPool2d", (module.kernel_size, module.stride), {"padding": module.padding})


@writes("torch.nn.modules.pooling.AvgPool2d")
def _average_pool(writer: Writer, module: nn.AvgPool2d) -> Call:
    options = {"padding": module.padding, "count_include_pad": module.count_include_pad}
    return Call("nn.AvgPool2d", (module.kernel_size, module.stride), options)


@writes(*(
    f"torch.nn.modules.{file}.{name}" for file, names in {
        "activation": ("ReLU", "ReLU6", "SiLU", "GELU", "Hardswish", "Hardsigmoid", "Sigmoid", "Tanh", "Softmax",
                       "ELU", "LeakyReLU", "Softsign"),
        "dropout": ("Dropout", "Dropout2d"), "flatten": ("Flatten",), "normalization": ("GroupNorm",),
        "pooling": ("AdaptiveAvgPool2d", "AdaptiveMaxPool2d"), "upsampling": ("Upsample",),
    }.items() for name in names
))  # fmt: skip
def _by_its_text(writer: Writer, module: nn.Module) -> Call:
    return Call(f"nn.{type(module).__name__}", (Name(module.extra_repr()),) if module.extra_repr() else ())


@writes("torch.nn.modules.container.Sequential")
def _sequential(writer: Writer, module: nn.Sequential) -> Call:
    """Drop path at the end is of the training alone."""
    from search_space.cells.drop_path import DropPath

    kept = {name: layer for name, layer in module.named_children() if not isinstance(layer, DropPath)}
    if list(kept) != list(map(str, range(len(kept)))):
        raise NotExportable("there is no plain form of torch.nn.Sequential with names within another module")
    if len(kept) == 1:
        return writer.call(kept["0"]).below("0")
    return Call("nn.Sequential", tuple(writer.call(layer).whole() for layer in kept.values()))


def _stride(stride: int) -> tuple[int, ...]:
    return () if stride == 1 else (stride,)


def _one(value: Any) -> Any:
    """A number for a pair of equal ones."""
    return value[0] if isinstance(value, tuple) and len(set(value)) == 1 else value


def _class(activation: nn.Module) -> Name:
    """The activation's class in torch."""
    for cls in type(activation).__mro__:
        if cls.__module__.startswith("torch.nn.modules."):
            return Name(f"nn.{cls.__name__}")
    return Name("nn.Module")


def _act(writer: Writer, activation: nn.Module) -> dict[str, Any]:
    """The option ``act`` of a block, where it is not the network's usual one."""
    name = _class(activation)
    return {} if name.text == writer.activation else {"act": name}
