"""Train one member of the pneumonia ensemble and collect its answers on patients it never saw."""

import copy
from dataclasses import dataclass

import augment
import numpy as np
import torch
import torch.nn.functional as F
from dataset import SIDE, Images, Radiographs
from networks import Network
from numpy.typing import NDArray
from torch import Tensor

WIDTH = 16
BATCH = 128
SMOOTHING = 0.03


@dataclass(frozen=True)
class Member:
    """A trained network with its logits on the patients held out from it."""

    network: Network
    held_out: NDArray[np.int64]
    plain: Images
    varied: Images  # several draws of augmented versions, draws x n


def train_member(
    radiographs: Radiographs, held_out: NDArray[np.bool_], seed: int, epochs: int
) -> Member:
    """Train on all but the held-out patients; weights are averaged over the last steps."""
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    used = np.flatnonzero(~held_out)
    network = Network(WIDTH)
    average = copy.deepcopy(network)
    steps = epochs * len(used) // BATCH
    optimiser = torch.optim.AdamW(network.parameters(), lr=3e-3, weight_decay=0.02)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, 3e-3, total_steps=steps, pct_start=0.2
    )
    network.train()
    for step in range(steps):
        rows = _balanced(radiographs.pneumonia, used, rng)
        image, target = _mixed(
            varied(radiographs, rows), torch.from_numpy(radiographs.pneumonia[rows])
        )
        target = target * (1 - 2 * SMOOTHING) + SMOOTHING
        loss = F.binary_cross_entropy_with_logits(network(image), target)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
        average_weights(average, network, min(0.995, step / (step + 10)))
    return _examined(average, radiographs, held_out, seed)


def restored(
    radiographs: Radiographs, held_out: NDArray[np.bool_], seed: int, weights: dict[str, Tensor]
) -> Member:
    """Bring back a member from its weights."""
    network = Network(WIDTH)
    network.load_state_dict(weights)
    return _examined(network, radiographs, held_out, seed)


def _examined(
    network: Network, radiographs: Radiographs, held_out: NDArray[np.bool_], seed: int
) -> Member:
    network.eval()
    torch.manual_seed(1000 + seed)
    rest = np.flatnonzero(held_out)
    return Member(
        network=network,
        held_out=rest,
        plain=logits(network, radiographs.published[rest]),
        varied=np.stack(
            [logits(network, varied(radiographs, rest).squeeze(1).numpy()) for _ in range(4)]
        ),
    )


def varied(radiographs: Radiographs, rows: NDArray[np.int64]) -> Tensor:
    """Draw an augmented version of each row, half from each of the two sources."""
    fine = torch.from_numpy(radiographs.doubled[rows]).unsqueeze(1)
    published = torch.from_numpy(radiographs.published[rows]).unsqueeze(1)
    change = {"turn": 12.0, "zoom": 0.15, "shift": 0.12}
    from_fine = augment.transform(fine, SIDE, **change)
    from_published = augment.transform(published, SIDE, **change)
    chosen = torch.rand(len(rows), 1, 1, 1) < 0.5
    image = torch.where(chosen, from_fine, from_published)
    return augment.cover(augment.focus(augment.expose(image, 1.0)), 9)


def logits(network: Network, images: Images) -> Images:
    """Answer a stack of 28 x 28 images."""
    with torch.no_grad():
        return np.concatenate(
            [network(part.unsqueeze(1)).numpy() for part in torch.from_numpy(images).split(512)]
        )


def _balanced(
    pneumonia: Images, used: NDArray[np.int64], rng: np.random.Generator
) -> NDArray[np.int64]:
    sick, well = used[pneumonia[used] > 0.5], used[pneumonia[used] < 0.5]
    half = BATCH // 2
    return np.concatenate([rng.choice(sick, half), rng.choice(well, half)])


def _mixed(image: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    share = torch.from_numpy(
        np.random.default_rng(int(torch.randint(2**31, (1,)))).beta(0.3, 0.3, len(image))
    )
    share = share.float()
    order = torch.randperm(len(image))
    weight = share.view(-1, 1, 1, 1)
    return image * weight + image[order] * (1 - weight), target * share + target[order] * (
        1 - share
    )


def average_weights(average: Network, network: Network, keep: float) -> None:
    with torch.no_grad():
        for kept, fresh in zip(
            average.state_dict().values(), network.state_dict().values(), strict=True
        ):
            if kept.dtype.is_floating_point:
                kept.mul_(keep).add_(fresh, alpha=1 - keep)
            else:
                kept.copy_(fresh)
