"""An epoch with PyTorch."""

# pyright: reportMissingImports=false
import sys
from itertools import pairwise

import numpy as np
import torch
from say import done
from torch import nn

data, batch = np.load(sys.argv[1]), int(sys.argv[3])
X, y = torch.from_numpy(data["X"]), torch.from_numpy(data["y"])
widths = [X.shape[1], *map(int, sys.argv[2].split(",")), int(y.max()) + 1]
layers = [layer for i, o in pairwise(widths[:-1]) for layer in (nn.Linear(i, o), nn.ReLU())]
net = nn.Sequential(*layers, nn.Linear(widths[-2], widths[-1]))
optimizer = torch.optim.Adam(net.parameters(), 1e-3, fused=True)
for rows in torch.randperm(len(y)).split(batch):
    optimizer.zero_grad()
    nn.functional.cross_entropy(net(X[rows]), y[rows]).backward()
    optimizer.step()
done()
