"""An epoch with scikit-learn."""

# pyright: reportMissingImports=false, reportArgumentType=false
import sys
import warnings

import numpy as np
from say import done
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier

warnings.simplefilter("ignore", ConvergenceWarning)
data, batch = np.load(sys.argv[1]), int(sys.argv[3])
hidden = [int(units) for units in sys.argv[2].split(",")]
MLPClassifier(hidden, batch_size=batch, max_iter=1).fit(data["X"], data["y"])
done()
