"""A data set that draws at random, for tests of what draws are left alone and repeated."""

import random

import numpy as np
import torch
from torch.utils.data import Dataset


class Drawing(Dataset):
    """Ten samples that each draw from all three global generators."""

    opt = {"name": "drawing"}

    def __len__(self):
        return 10

    def __getitem__(self, index):
        return index, random.random(), float(np.random.uniform()), float(torch.rand(()))  # noqa: NPY002
