"""The networks of make_golden.py, with the names that torchvision gives to parameters.

`resnet18`, `resnet34`, `resnet50`   torchvision's networks; with cifar_stem=True conv1 is 3x3
    with stride 1 and padding 1, and there is no max-pool.
`cifar_resnet(depth)`   He et al. (2016), section 4.2: depth 6n + 2, 16, 32 and 64 channels, and
    shortcuts without parameters (option A).
`Zhu`   the network of Zhu et al. (2019), The Anisotropic Noise in SGD, for FashionMNIST.
`Mlp`   linear layers with an activation between them.

Zhu et al.: the poster version of the paper says only that there is a network. The architecture
is that of the authors' published code (github.com/uuujf/SGDNoise, FashionMNIST/model.py):
convolution 5x5 with 10 channels, no padding; max-pool 2; relu; the same again; linear 160-50;
relu; linear 50-10; every layer with a bias; 11330 parameters. They draw every parameter from a
normal law with standard deviation 0.02 (truncated at two of them), train with cross-entropy, and
scale pixels to [-1, 1]. Chosen here: the names conv1, conv2, fc1, fc2, and torch's order of the
160 features (channel, row, column; theirs is row, column, channel).
"""

import torch
import torch.nn.functional as F
from torch import nn


def conv(n_in, n_out, kernel, stride=1, padding=0):
    return nn.Conv2d(n_in, n_out, kernel, stride=stride, padding=padding, bias=False)


class PaddedShortcut:
    """Option A: every other pixel, and zeros for the channels that are missing on either side.
    Not a module, so that the state dict does not know it."""

    def __init__(self, n_in, n_out, stride):
        self.stride, self.padding = stride, (n_out - n_in) // 2

    def __call__(self, x):
        x = x[:, :, :: self.stride, :: self.stride]
        return F.pad(x, (0, 0, 0, 0, self.padding, self.padding))


class BasicBlock(nn.Module):
    expansion = 1

    def __init__(self, n_in, width, stride, option_a):
        super().__init__()
        self.conv1 = conv(n_in, width, 3, stride, 1)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = conv(width, width, 3, 1, 1)
        self.bn2 = nn.BatchNorm2d(width)
        add_shortcut(self, n_in, width, stride, option_a)

    def forward(self, x):
        y = F.relu(self.bn1(self.conv1(x)))
        return F.relu(self.bn2(self.conv2(y)) + self.shortcut(x))

    def shortcut(self, x):
        return x if self.downsample is None else self.downsample(x)


class Bottleneck(nn.Module):
    expansion = 4

    def __init__(self, n_in, width, stride, option_a):
        super().__init__()
        self.conv1 = conv(n_in, width, 1)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = conv(width, width, 3, stride, 1)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv3 = conv(width, 4 * width, 1)
        self.bn3 = nn.BatchNorm2d(4 * width)
        add_shortcut(self, n_in, 4 * width, stride, option_a)

    def forward(self, x):
        y = F.relu(self.bn1(self.conv1(x)))
        y = F.relu(self.bn2(self.conv2(y)))
        return F.relu(self.bn3(self.conv3(y)) + self.shortcut(x))

    shortcut = BasicBlock.shortcut


def add_shortcut(block, n_in, n_out, stride, option_a):
    if n_in == n_out and stride == 1:
        block.downsample = None
    elif option_a:
        block.downsample = PaddedShortcut(n_in, n_out, stride)
    else:
        block.downsample = nn.Sequential(conv(n_in, n_out, 1, stride), nn.BatchNorm2d(n_out))


class ResNet(nn.Module):
    """Stages of blocks behind a stem, a global average pool and a linear layer."""

    def __init__(self, block, n_blocks, widths, n_classes, cifar_stem, option_a):
        super().__init__()
        n_channels = widths[0]
        stem = (3, 1, 1) if cifar_stem else (7, 2, 3)
        self.conv1 = conv(3, n_channels, *stem)
        self.bn1 = nn.BatchNorm2d(n_channels)
        self.cifar_stem = cifar_stem
        self.n_stages = len(widths)
        for stage, (width, n) in enumerate(zip(widths, n_blocks), 1):
            blocks = []
            for i in range(n):
                stride = 2 if stage > 1 and i == 0 else 1
                blocks.append(block(n_channels, width, stride, option_a))
                n_channels = block.expansion * width
            setattr(self, f"layer{stage}", nn.Sequential(*blocks))
        self.fc = nn.Linear(n_channels, n_classes)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, x):
        x = F.relu(self.bn1(self.conv1(x)))
        if not self.cifar_stem:
            x = F.max_pool2d(x, 3, 2, 1)
        for stage in range(1, self.n_stages + 1):
            x = getattr(self, f"layer{stage}")(x)
        return self.fc(x.mean((2, 3)))


def cifar_resnet(depth, n_classes=10):
    n = (depth - 2) // 6
    assert depth == 6 * n + 2, "depth is 6n + 2"
    return ResNet(BasicBlock, [n, n, n], [16, 32, 64], n_classes, cifar_stem=True, option_a=True)


def torchvision_resnet(depth, n_classes=1000, cifar_stem=False):
    block, n_blocks = {
        18: (BasicBlock, [2, 2, 2, 2]),
        34: (BasicBlock, [3, 4, 6, 3]),
        50: (Bottleneck, [3, 4, 6, 3]),
    }[depth]
    return ResNet(block, n_blocks, [64, 128, 256, 512], n_classes, cifar_stem, option_a=False)


class Zhu(nn.Module):
    def __init__(self, n_classes=10):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 10, 5)
        self.conv2 = nn.Conv2d(10, 10, 5)
        self.fc1 = nn.Linear(160, 50)
        self.fc2 = nn.Linear(50, n_classes)

    def forward(self, x):
        x = F.relu(F.max_pool2d(self.conv1(x), 2))
        x = F.relu(F.max_pool2d(self.conv2(x), 2))
        return self.fc2(F.relu(self.fc1(x.flatten(1))))


class Mlp(nn.Module):
    def __init__(self, widths, activation="relu"):
        super().__init__()
        # gelu is torch's default, with the error function.
        self.activation = {"relu": lambda x: F.relu(x), "tanh": torch.tanh, "gelu": F.gelu}[activation]
        self.n_layers = len(widths) - 1
        for layer, (n_in, n_out) in enumerate(zip(widths, widths[1:]), 1):
            setattr(self, f"fc{layer}", nn.Linear(n_in, n_out))

    def forward(self, x):
        for layer in range(1, self.n_layers):
            x = self.activation(getattr(self, f"fc{layer}")(x))
        return getattr(self, f"fc{self.n_layers}")(x)
