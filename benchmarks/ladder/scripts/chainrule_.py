"""An epoch with chainrule."""

import sys

import numpy as np
from say import done

import chainrule as cr

data, batch = np.load(sys.argv[1]), int(sys.argv[3])
X, y = data["X"], data["y"]
hidden = [cr.Dense(int(units), "relu") for units in sys.argv[2].split(",")]
net = cr.Network([*hidden, cr.Dense(int(y.max()) + 1)], loss="softmax_cross_entropy")
net.fit(X, y, epochs=1, batch_size=batch)
done()
