"""The two small networks and the one graph that is shipped.

Every image is standardised inside the network, so brightness and contrast, which depend on
the display window more than on the patient, cannot carry the answer.
"""

import torch
from torch import Tensor, nn


class Standardise(nn.Module):
    """Subtract each image's mean and divide by its standard deviation."""

    def forward(self, image: Tensor) -> Tensor:
        centred = image - image.mean((1, 2, 3), keepdim=True)
        return centred / (centred.square().mean((1, 2, 3), keepdim=True).sqrt() + 0.02)


def _convolution(inputs: int, outputs: int, stride: int = 1) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU()
    )


class Residual(nn.Module):
    """Two convolutions with a short cut around them."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = _convolution(channels, channels)
        self.second = nn.Sequential(
            nn.Conv2d(channels, channels, 3, 1, 1, bias=False), nn.BatchNorm2d(channels)
        )

    def forward(self, image: Tensor) -> Tensor:
        return torch.relu(image + self.second(self.first(image)))


class Features(nn.Module):
    """28 x 28 grey values to a vector of `4 * width` features."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            Standardise(),
            _convolution(1, width),
            _convolution(width, 2 * width, 2),
            Residual(2 * width),
            _convolution(2 * width, 4 * width, 2),
            Residual(4 * width),
            nn.AdaptiveAvgPool2d(1),
            nn.Flatten(),
        )

    def forward(self, image: Tensor) -> Tensor:
        features: Tensor = self.layers(image)
        return features


class Network(nn.Module):
    """Features and one logit."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.features = Features(width)
        self.drop = nn.Dropout(0.3)
        self.head = nn.Linear(4 * width, 1)

    def forward(self, image: Tensor) -> Tensor:
        logit: Tensor = self.head(self.drop(self.features(image))).squeeze(1)
        return logit


class Shipped(nn.Module):
    """The exported graph: each member's pneumonia logit, gate logit and feature distance."""

    def __init__(
        self, members: list[Network], gate: Network, centre: Tensor, whitening: Tensor
    ) -> None:
        super().__init__()
        self.members = nn.ModuleList(members)
        self.gate = gate
        self.register_buffer("centre", centre)
        self.register_buffer("whitening", whitening)

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        pneumonia = torch.stack([member(image) for member in self.members], 1)
        features = self.gate.features(image)
        whitened = (features - self.centre) @ self.whitening
        distance = whitened.square().mean(1).sqrt()
        return pneumonia, self.gate.head(features).squeeze(1), distance
