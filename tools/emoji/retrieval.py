"""The measure: is the nearest real picture one of what was asked for?"""

import torch
import torch.nn.functional as F


class Gallery:
    """All rendered pictures at 32 x 32, less their mean; nearness is the cosine."""

    def __init__(self, pictures: torch.Tensor, names: list[str]):
        """`pictures` is `[n, 3, 128, 128]` from -1 to 1, in pieces or whole."""
        small = self.small(pictures)
        self.mean = small.mean(0)
        self.rows = F.normalize(small - self.mean)
        self.names = names

    @staticmethod
    def small(pictures: torch.Tensor) -> torch.Tensor:
        return torch.cat([F.avg_pool2d(part.float(), 4).flatten(1) for part in pictures.split(512)])

    def nearest(self, pictures: torch.Tensor, count: int = 5) -> list[list[int]]:
        found = F.normalize(self.small(pictures) - self.mean) @ self.rows.T
        return found.topk(count).indices.tolist()

    def score(self, pictures: torch.Tensor, names: list[str]) -> tuple[list[bool], list[bool]]:
        """For each picture: is the nearest of the same name, and is one of the five nearest."""
        first, five = [], []
        for wanted, near in zip(names, self.nearest(pictures)):
            got = [self.names[i] == wanted for i in near]
            first.append(got[0])
            five.append(any(got))
        return first, five
