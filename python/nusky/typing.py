"""Names of the array types that annotations use."""

import numpy as np
from numpy.typing import NDArray

__all__ = ["F32", "F64", "I64", "Bool"]

F64 = NDArray[np.float64]
F32 = NDArray[np.float32]
I64 = NDArray[np.int64]
Bool = NDArray[np.bool_]
